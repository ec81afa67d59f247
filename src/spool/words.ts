/** Texts that many messages share (places, replies): each kept once, counted, and let go with its last user. */

export class Words {
  readonly #numbers = new Map<string, number>();
  readonly #words: string[] = [''];
  readonly #users: number[] = [0];
  readonly #free: number[] = [];

  /** Number of a text, held once more; 0 for the empty text. */
  hold(word: string): number {
    if (word === '') return 0;
    let number = this.#numbers.get(word);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#words.length;
      this.#words[number] = word;
      this.#users[number] = 0;
      this.#numbers.set(word, number);
    }
    this.#users[number] = (this.#users[number] ?? 0) + 1;
    return number;
  }

  /** The same number, held so many times more. */
  holdMore(number: number, times: number): void {
    if (number !== 0) this.#users[number] = (this.#users[number] ?? 0) + times;
  }

  /** Numbers of the texts that are held and that `isWanted`. */
  which(isWanted: (word: string) => boolean): ReadonlySet<number> {
    const wanted = new Set<number>();
    for (const [word, number] of this.#numbers) if (isWanted(word)) wanted.add(number);
    return wanted;
  }

  release(number: number): void {
    if (number === 0) return;
    const left = (this.#users[number] ?? 1) - 1;
    this.#users[number] = left;
    if (left > 0) return;
    this.#numbers.delete(this.#words[number] ?? '');
    this.#words[number] = '';
    this.#free.push(number);
  }

  at(number: number): string {
    return this.#words[number] ?? '';
  }

  get size(): number {
    return this.#numbers.size;
  }
}
