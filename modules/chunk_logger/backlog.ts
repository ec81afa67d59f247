/** Texts that were logged and that the target could not take yet: bounded, in order; when there are too many the oldest go. */

/** Where texts go, and how much it still has to write. */
export interface Target {
  put(text: string): void;
  /** The same for many at once, also where it has more to write than it likes. */
  putAll(texts: readonly string[]): void;
  /** Resolves when what was put is written, or could not be. */
  flush(): Promise<void>;
  /** Characters that were put and are not written. */
  readonly waiting: number;
}

export interface BacklogRules {
  readonly target: Target;
  /** Characters kept at most. */
  readonly most: number;
  /** Waits before a target that fails is looked at again; rejects when the wait is over for good. */
  rest(): Promise<void>;
  /** Told of each text that goes unwritten. */
  dropped(): void;
}

/** A target with so many characters before it gets no more; well below what it drops at. */
const ENOUGH = 4 << 20;

export class Backlog {
  readonly #rules: BacklogRules;
  #texts: string[] = [];
  /** The first text that is still there. */
  #first = 0;
  #characters = 0;
  #draining = false;
  /** Texts that went unwritten. */
  dropped = 0;

  constructor(rules: BacklogRules) {
    this.#rules = rules;
  }

  /** Characters that are neither written nor with the target. */
  get waiting(): number {
    return this.#characters;
  }

  get #isEmpty(): boolean {
    return this.#first === this.#texts.length;
  }

  push(text: string): void {
    const { target, most, dropped } = this.#rules;
    if (this.#isEmpty && target.waiting < ENOUGH) {
      target.put(text);
      return;
    }
    this.#texts.push(text);
    this.#characters += text.length;
    while (this.#characters > most) {
      this.#shift();
      this.dropped++;
      dropped();
    }
    if (!this.#draining) void this.#drain();
  }

  /** Hands everything to the target, whatever it has to write already. */
  empty(): void {
    if (this.#isEmpty) return;
    const rest = this.#texts.slice(this.#first);
    this.#texts = [];
    this.#first = this.#characters = 0;
    this.#rules.target.putAll(rest);
  }

  async #drain(): Promise<void> {
    const { target, rest } = this.#rules;
    this.#draining = true;
    try {
      while (!this.#isEmpty) {
        await target.flush();
        if (target.waiting >= ENOUGH) await rest();
        while (!this.#isEmpty && target.waiting < ENOUGH) target.put(this.#shift());
      }
    } catch {
      // The wait is over: whoever ends it empties the backlog.
    } finally {
      this.#draining = false;
    }
  }

  #shift(): string {
    const text = this.#texts[this.#first] ?? '';
    this.#texts[this.#first++] = '';
    this.#characters -= text.length;
    if (this.#first === this.#texts.length) {
      this.#texts = [];
      this.#first = 0;
    } else if (this.#first > 4096 && this.#first * 2 > this.#texts.length) {
      this.#texts = this.#texts.slice(this.#first);
      this.#first = 0;
    }
    return text;
  }
}
