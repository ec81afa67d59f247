/**
 * Permits in a worker: taken at once from what the supervisor has leased, asked for when there is none. Who is refused waits;
 * the answer wakes him, and then the permit is there or it is known which counter is full.
 */
import type { Clock } from '../../kernel/clock.js';
import { type Broker, isShortage, type Limit, type Permit, type Shortage, UNDECIDED } from '../../module/permit.js';
import { isRateOnly, type LeaseAnswer, type LeaseAsk, SLICE_MS } from './lease.js';

export interface LeasePorts {
  readonly clock: Clock;
  /** To the supervisor, in order. */
  send(asks: readonly LeaseAsk[]): void;
  /** Runs a task when this turn of the loop is over. */
  soon(task: () => void): void;
  /** Another worker waits for a slot of this counter, or none does any more. */
  wanted(key: string, elsewhere: boolean): void;
}

const EMPTY_PERMIT: Permit = Object.freeze({ release: () => {} });

/** A shortage that remembers what was asked for. */
class Lack implements Shortage {
  readonly key: string;
  readonly waitMs: number | undefined;
  readonly limits: readonly Limit[];

  constructor(key: string, waitMs: number | undefined, limits: readonly Limit[]) {
    this.key = key;
    this.waitMs = waitMs;
    this.limits = limits;
  }
}

interface Lease {
  readonly id: number;
  readonly limits: readonly Limit[];
  readonly signature: string;
  /** It has slots: one user at a time, until it goes back. Otherwise it is takes of rates and nothing else. */
  readonly hasSlots: boolean;
  readonly hasRates: boolean;
  takes: number;
  used: number;
  inUse: boolean;
}

interface Wish {
  readonly limits: readonly Limit[];
  readonly wake: () => void;
}

export class LeasedBroker implements Broker {
  readonly #ports: LeasePorts;
  readonly #leases = new Map<number, Lease>();
  /** Leases that may be used now, by signature. */
  readonly #free = new Map<string, Lease[]>();
  readonly #wishes = new Map<number, Wish>();
  /** Counters that are full; with the monotonic time until which, for a rate. */
  readonly #full = new Map<string, number | undefined>();
  #asks: LeaseAsk[] = [];
  #scheduled = false;
  #next = 1;

  constructor(ports: LeasePorts) {
    this.#ports = ports;
  }

  acquire(limits: readonly Limit[]): Permit | Shortage {
    if (limits.length === 0) return EMPTY_PERMIT;
    const lease = this.#free.get(signatureOf(limits))?.at(-1);
    if (lease) return this.#use(lease);
    for (const { key } of limits) {
      if (!this.#full.has(key)) continue;
      const until = this.#full.get(key);
      if (until === undefined) return new Lack(key, undefined, limits);
      const waitMs = until - this.#ports.clock.mono();
      if (waitMs > 0) return new Lack(key, waitMs, limits);
      this.#full.delete(key);
    }
    return new Lack(UNDECIDED, undefined, limits);
  }

  exchange(permit: Permit, limits: readonly Limit[]): Permit | Shortage {
    // Takes of rates in the lease are spent: only its slots go on.
    if (permit instanceof LeasedPermit && signatureOf(limits) === signatureOf(permit.limits.filter(({ kind }) => kind === 'slots')))
      return permit;
    const other = this.acquire(limits);
    if (!isShortage(other)) permit.release();
    return other;
  }

  wait(shortage: Shortage, wake: () => void): () => void {
    if (!(shortage instanceof Lack)) throw new TypeError('a shortage of another broker');
    const id = this.#next++;
    this.#wishes.set(id, { limits: shortage.limits, wake });
    this.#ask({ do: 'want', id, limits: shortage.limits, stands: shortage.key !== UNDECIDED });
    return () => {
      if (this.#wishes.delete(id)) this.#ask({ do: 'cancel', id });
    };
  }

  /** Takes one of every limit if there is room now, and does not wait for more than the answer. */
  async tryTake(limits: readonly Limit[]): Promise<boolean> {
    const first = this.acquire(limits);
    if (!isShortage(first)) return true;
    if (first.key !== UNDECIDED) return false;
    await new Promise<void>((done) => this.wait(first, done));
    return !isShortage(this.acquire(limits));
  }

  /** What this worker uses of a counter. */
  usage(key: string): { readonly used: number; readonly limit: number } | undefined {
    let found: { used: number; limit: number } | undefined;
    for (const lease of this.#leases.values()) {
      const limit = lease.limits.find((each) => each.key === key);
      if (!limit) continue;
      found ??= { used: 0, limit: limit.kind === 'slots' ? limit.limit : limit.count };
      found.used += limit.kind === 'slots' ? Number(lease.inUse) : lease.used;
    }
    return found;
  }

  /** Limits may have changed: everybody who waits asks again. */
  reloaded(): void {
    this.#full.clear();
    const wishes = [...this.#wishes];
    this.#wishes.clear();
    for (const [id, { wake }] of wishes) {
      this.#ask({ do: 'cancel', id });
      wake();
    }
  }

  hear(answers: readonly LeaseAnswer[]): void {
    for (const answer of answers) {
      switch (answer.do) {
        case 'grant':
          this.#granted(answer.id, answer.takes);
          break;
        case 'short': {
          const { key, waitMs } = answer;
          this.#full.set(key, waitMs === undefined ? undefined : this.#ports.clock.mono() + waitMs);
          this.#fulfil(answer.id);
          break;
        }
        case 'room':
          this.#full.delete(answer.key);
          break;
        case 'wanted':
          this.#ports.wanted(answer.key, answer.elsewhere);
      }
    }
  }

  #granted(id: number, takes: number): void {
    const wish = this.#wishes.get(id);
    if (!wish) {
      // Given up while the answer was under way.
      this.#ask({ do: 'settle', id, used: 0, unused: takes });
      this.#ask({ do: 'back', id });
      return;
    }
    const { limits } = wish;
    const hasSlots = !isRateOnly(limits);
    const hasRates = limits.some(({ kind }) => kind === 'rate');
    const lease: Lease = { id, limits, signature: signatureOf(limits), hasSlots, hasRates, takes, used: 0, inUse: false };
    for (const { key } of limits) this.#full.delete(key);
    this.#leases.set(id, lease);
    this.#offer(lease);
    if (!hasSlots) this.#ports.clock.after(SLICE_MS, () => this.#giveBack(lease));
    this.#fulfil(id);
  }

  #fulfil(id: number): void {
    const wish = this.#wishes.get(id);
    this.#wishes.delete(id);
    wish?.wake();
  }

  #use(lease: Lease): Permit {
    lease.takes--;
    lease.used++;
    if (!lease.hasSlots) {
      if (lease.takes === 0) this.#giveBack(lease);
      return EMPTY_PERMIT;
    }
    lease.inUse = true;
    this.#withdraw(lease);
    if (lease.hasRates) this.#ask({ do: 'settle', id: lease.id, used: 1, unused: 0 });
    return new LeasedPermit(lease.limits, () => this.#released(lease));
  }

  #released(lease: Lease): void {
    lease.inUse = false;
    // The rates in it are spent. Slots alone may be used again until the turn is over.
    if (lease.hasRates) this.#giveBack(lease);
    else this.#offer(lease);
  }

  #offer(lease: Lease): void {
    const same = this.#free.get(lease.signature);
    if (same) same.push(lease);
    else this.#free.set(lease.signature, [lease]);
    if (lease.hasSlots) this.#schedule();
  }

  #withdraw(lease: Lease): void {
    const same = this.#free.get(lease.signature);
    const at = same?.indexOf(lease) ?? -1;
    if (at >= 0) same?.splice(at, 1);
    if (same?.length === 0) this.#free.delete(lease.signature);
  }

  #giveBack(lease: Lease): void {
    if (!this.#leases.delete(lease.id)) return;
    this.#withdraw(lease);
    const { id, hasSlots, hasRates, used, takes } = lease;
    if (hasRates && (!hasSlots || used === 0)) this.#ask({ do: 'settle', id, used, unused: takes });
    this.#ask({ do: 'back', id });
  }

  #ask(ask: LeaseAsk): void {
    this.#asks.push(ask);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#ports.soon(() => this.#flush());
  }

  /** Slots that nobody uses go back, and everything that was asked for leaves in one message. */
  #flush(): void {
    for (const same of [...this.#free.values()]) for (const lease of [...same]) if (lease.hasSlots) this.#giveBack(lease);
    const asks = this.#asks;
    this.#asks = [];
    this.#scheduled = false;
    if (asks.length > 0) this.#ports.send(asks);
  }
}

class LeasedPermit implements Permit {
  readonly limits: readonly Limit[];
  #end: (() => void) | undefined;

  constructor(limits: readonly Limit[], end: () => void) {
    this.limits = limits;
    this.#end = end;
  }

  release(): void {
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }
}

/** The counters of a list, as one word. */
const signatureOf = (limits: readonly Limit[]): string =>
  limits.length === 1 ? (limits[0] as Limit).key : limits.map(({ key }) => key).join('\n');
