/** Files that go once everything recorded so far is on the medium: in order, many behind one sync, tried again after trouble. */

export class Removals {
  readonly #sync: () => Promise<void>;
  readonly #told: (error: unknown) => void;
  #waiting: (() => Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** `sync` makes the records durable; `told` hears what could not be removed. */
  constructor(sync: () => Promise<void>, told: (error: unknown) => void) {
    this.#sync = sync;
    this.#told = told;
  }

  add(task: () => Promise<void>): void {
    this.#waiting.push(task);
    this.go();
  }

  /** Goes on with what a failed sync held up. */
  go(): void {
    if (this.#running || this.#waiting.length === 0) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is under way; what waits for the disk to recover goes on waiting. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const tasks = this.#waiting;
      this.#waiting = [];
      try {
        await this.#sync();
      } catch {
        // The log has told its health; these wait for its return.
        this.#waiting = [...tasks, ...this.#waiting];
        return;
      }
      for (const task of tasks) await task().catch(this.#told);
    }
  }
}
