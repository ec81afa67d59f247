/** The supervisor's side of permits: one broker for all workers, what each of them holds, and who waits for what. */
import type { Clock } from '../../kernel/clock.js';
import { isShortage, type Limit, type Permit, type Shortage } from '../../module/permit.js';
import { DirectBroker } from '../broker.js';
import { makeLentCounter } from '../counter.js';
import { isRateOnly, type LeaseAnswer, type LeaseAsk, SLICE_MS } from './lease.js';

export class LeaseOffice {
  readonly broker: DirectBroker;
  readonly #customers = new Set<Customer>();
  /** Slots that are waited for: by whom, and how often. */
  readonly #wanted = new Map<string, Map<Customer, number>>();

  constructor(clock: Clock) {
    this.broker = new DirectBroker(clock, makeLentCounter);
  }

  /** A worker that may lease from now on; `send` takes answers to it. */
  join(send: (answer: LeaseAnswer) => void): Customer {
    const customer = new Customer(this, send, () => {
      this.#customers.delete(customer);
      for (const key of [...this.#wanted.keys()]) this.#review(key);
    });
    this.#customers.add(customer);
    for (const key of [...this.#wanted.keys()]) this.#review(key);
    return customer;
  }

  /** Counts that a customer waits for a slot, or does so no more (-1), and tells the others. */
  want(key: string, customer: Customer, change: 1 | -1): void {
    const waiting = this.#wanted.get(key) ?? new Map<Customer, number>();
    this.#wanted.set(key, waiting);
    const count = (waiting.get(customer) ?? 0) + change;
    if (count > 0) waiting.set(customer, count);
    else waiting.delete(customer);
    this.#review(key);
  }

  #review(key: string): void {
    const waiting = this.#wanted.get(key);
    if (!waiting) return;
    for (const customer of this.#customers) customer.hearWanted(key, waiting.size > (waiting.has(customer) ? 1 : 0));
    if (waiting.size === 0) this.#wanted.delete(key);
  }
}

/** What one worker holds and waits for. */
export class Customer {
  readonly #office: LeaseOffice;
  readonly #send: (answer: LeaseAnswer) => void;
  readonly #left: () => void;
  readonly #held = new Map<number, Permit[]>();
  /** How to leave the line, by the id of what was asked for. */
  readonly #waiting = new Map<number, () => void>();
  /** Counters it was told are full. */
  readonly #believed = new Map<string, () => void>();
  readonly #toldWanted = new Set<string>();

  constructor(office: LeaseOffice, send: (answer: LeaseAnswer) => void, left: () => void) {
    this.#office = office;
    this.#send = send;
    this.#left = left;
  }

  take(asks: readonly LeaseAsk[]): void {
    for (const ask of asks) this.#serve(ask);
  }

  /** The worker is gone and its sockets with it: slots come back, what it had of rates counts as used now. */
  leave(): void {
    for (const cancel of [...this.#waiting.values(), ...this.#believed.values()]) cancel();
    this.#waiting.clear();
    this.#believed.clear();
    this.#left();
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const permits of held) for (const permit of permits) permit.release();
  }

  /** Slots of this counter are waited for elsewhere, or no more; told when it is news. */
  hearWanted(key: string, elsewhere: boolean): void {
    if (elsewhere === this.#toldWanted.has(key)) return;
    if (elsewhere) this.#toldWanted.add(key);
    else this.#toldWanted.delete(key);
    this.#send({ do: 'wanted', key, elsewhere });
  }

  #serve(ask: LeaseAsk): void {
    const { id } = ask;
    switch (ask.do) {
      case 'want':
        this.#want(id, ask.limits, ask.stands);
        return;
      case 'cancel':
        this.#waiting.get(id)?.();
        this.#waiting.delete(id);
        return;
      case 'settle':
        this.#settle(id, ask.used, ask.unused);
        return;
      case 'back': {
        const permits = this.#held.get(id) ?? [];
        this.#held.delete(id);
        for (const permit of permits) permit.release();
      }
    }
  }

  #want(id: number, limits: readonly Limit[], stands: boolean): void {
    const { broker } = this.#office;
    const permit = broker.acquire(limits);
    if (!isShortage(permit)) {
      const permits = [permit, ...this.#takeSlice(limits)];
      this.#held.set(id, permits);
      this.#send({ do: 'grant', id, takes: permits.length });
    } else if (stands) this.#stand(id, limits, permit);
    else {
      this.#send({ do: 'short', id, key: permit.key, waitMs: permit.waitMs });
      this.#believe(permit);
    }
  }

  /** More of a rate, as much as it allows in the time of a slice: one question for many messages. */
  #takeSlice(limits: readonly Limit[]): readonly Permit[] {
    if (!isRateOnly(limits)) return [];
    const more: Permit[] = [];
    for (let left = sizeOfSlice(limits) - 1; left > 0; left--) {
      const permit = this.#office.broker.acquire(limits);
      if (isShortage(permit)) break;
      more.push(permit);
    }
    return more;
  }

  #stand(id: number, limits: readonly Limit[], shortage: Shortage): void {
    const { key, waitMs } = shortage;
    const isSlot = waitMs === undefined;
    const leave = (): void => {
      if (isSlot) this.#office.want(key, this, -1);
    };
    const cancel = this.#office.broker.wait(shortage, () => {
      this.#waiting.delete(id);
      leave();
      this.#want(id, limits, true);
    });
    this.#waiting.set(id, () => {
      cancel();
      leave();
    });
    if (isSlot) this.#office.want(key, this, 1);
  }

  #believe(shortage: Shortage): void {
    const { key } = shortage;
    if (this.#believed.has(key)) return;
    const cancel = this.#office.broker.wait(shortage, () => {
      this.#believed.delete(key);
      this.#send({ do: 'room', key });
    });
    this.#believed.set(key, cancel);
  }

  #settle(id: number, used: number, unused: number): void {
    const permits = this.#held.get(id) ?? [];
    const { broker } = this.#office;
    const all = Math.min(used + unused, permits.length);
    for (let i = 0; i < all; i++) {
      const permit = permits[i];
      if (permit) broker.settle(permit, i < used);
    }
  }
}

/** How often the slowest of the rates allows one in the time of a slice; one at least. */
function sizeOfSlice(limits: readonly Limit[]): number {
  let size = Number.POSITIVE_INFINITY;
  for (const limit of limits) if (limit.kind === 'rate') size = Math.min(size, (limit.count / limit.seconds) * (SLICE_MS / 1000));
  return Math.max(1, Math.floor(size));
}
