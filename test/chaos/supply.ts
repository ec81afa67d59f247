/** A queue in memory, as small as the interface allows: what is deferred is kept apart, nothing comes back by itself. */
import type { Delivery } from '../../src/module/attempt.js';
import type { Copy } from '../../src/module/copy.js';
import type { Carrier, Supply } from '../../src/module/flow.js';
import type { Place } from '../../src/module/place.js';

export class MemorySupply implements Supply {
  readonly #due = new Map<Place, Copy[]>();
  readonly #taken = new Set<Copy>();
  readonly deferred: { readonly mail: Copy; readonly reply: string }[] = [];
  readonly released: Copy[] = [];
  readonly delays: { readonly place: Place; readonly untilMs: number; readonly reply: string; readonly count: number }[] = [];
  putBacks = 0;
  /** Bodies have to be read back: `take` answers a turn later. */
  readsBack = false;
  carrier: Carrier | undefined;
  #woken = new Set<Place>();

  insert(...mails: Copy[]): void {
    for (const mail of mails) {
      this.#listOf(mail.place).push(mail);
      this.#wake(mail.place);
    }
  }

  take(place: Place, max: number): readonly Copy[] | Promise<readonly Copy[]> {
    const batch = this.#takeNow(place, max);
    return this.readsBack && batch.length > 0 ? new Promise((done) => setTimeout(() => done(batch), 5)) : batch;
  }

  #takeNow(place: Place, max: number): readonly Copy[] {
    const list = this.#listOf(place);
    const [first] = list;
    if (!first) return [];
    const batch: Copy[] = [];
    while (batch.length < max && list[0]?.reception === first.reception) batch.push(list.shift() as Copy);
    for (const mail of batch) this.#taken.add(mail);
    return batch;
  }

  putBack(mails: readonly Copy[]): void {
    for (const mail of mails) {
      if (!this.#taken.delete(mail)) throw new Error(`${mail.id} was put back without having been taken`);
      this.putBacks++;
    }
    const [first] = mails;
    if (!first) return;
    this.#listOf(first.place).unshift(...mails);
    this.#wake(first.place);
  }

  waiting(place: Place): number {
    return this.#due.get(place)?.length ?? 0;
  }

  defer(mail: Copy, reply: string): Delivery {
    this.#end(mail);
    mail.attempts++;
    this.deferred.push({ mail, reply });
    return { outcome: 'deferred', reply };
  }

  release(mail: Copy): void {
    this.#end(mail);
    this.released.push(mail);
  }

  delay(place: Place, untilMs: number, reply: string): void {
    const list = this.#listOf(place);
    this.delays.push({ place, untilMs, reply, count: list.length });
    list.length = 0;
  }

  /** Drops what was noted of mails that ended. */
  forgetHistory(): void {
    this.deferred.length = 0;
    this.released.length = 0;
  }

  /** Mails that delivery has and has not ended. */
  get taken(): number {
    return this.#taken.size;
  }

  #end(mail: Copy): void {
    if (!this.#taken.delete(mail)) throw new Error(`${mail.id} was ended without having been taken`);
  }

  #listOf(place: Place): Copy[] {
    let list = this.#due.get(place);
    if (!list) {
      list = [];
      this.#due.set(place, list);
    }
    return list;
  }

  #wake(place: Place): void {
    if (this.#woken.size === 0) {
      setImmediate(() => {
        const places = this.#woken;
        this.#woken = new Set();
        for (const each of places) if (this.waiting(each) > 0) this.carrier?.wake(each);
      });
    }
    this.#woken.add(place);
  }
}
