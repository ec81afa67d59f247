/** Things that outlive a reload: opened when first asked for, closed when the last generation that asked is gone. */

interface Held {
  readonly thing: unknown;
  readonly close: (thing: never) => void;
  readonly users: Set<object>;
}

export class Holds {
  readonly #held = new Map<string, Held>();

  /** The thing under `key`; `user` keeps it alive until it lets go. */
  hold<T>(user: object, key: string, open: () => T, close: (held: T) => void): T {
    let held = this.#held.get(key);
    if (!held) {
      held = { thing: open(), close, users: new Set() };
      this.#held.set(key, held);
    }
    held.users.add(user);
    // One key is opened by one declaration, so the type is the same every time.
    return held.thing as T;
  }

  /** Closes what only this user still held. Errors of a close are handed back, all others are closed all the same. */
  letGo(user: object): unknown[] {
    const errors: unknown[] = [];
    for (const [key, held] of this.#held) {
      if (!held.users.delete(user) || held.users.size > 0) continue;
      this.#held.delete(key);
      try {
        held.close(held.thing as never);
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}
