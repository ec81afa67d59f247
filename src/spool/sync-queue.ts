/** Syncs one at a time: while one is under way at most one more waits, and that one covers everything written until it begins. */

export class SyncQueue {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves when what was written before the call is synced; rejects when that sync fails. */
  ask(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.ask();
      });
    return this.#next;
  }

  /** Resolves when the one under way has ended, however. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#running]);
  }
}
