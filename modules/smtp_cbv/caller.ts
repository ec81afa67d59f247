/** Callbacks as the module makes them: remembered, one at a time for an address, few at once, within their time. */
import type { Address, Cache, Names, ProbeService } from '#module';
import type { Callback } from './api.js';
import { callBack, LATE } from './call.js';
import { findServers } from './servers.js';
import { Turns } from './turns.js';

/** Options of the stanza, as far as calls go. */
export interface CallerOptions {
  readonly timeoutMs: number;
  readonly port: number;
  readonly helo: string | undefined;
  readonly mostAtOnce: number;
  readonly mostPerDomain: number;
  readonly asksStranger: boolean;
  /** Sender domain to the domain whose exchangers are called, in lower case. */
  readonly map: ReadonlyMap<string, string>;
  isSkipped(ip: string): boolean;
}

export interface CallerMeans {
  readonly probes: ProbeService;
  readonly names: Names;
  readonly passed: Cache<Callback>;
  /** Everything else is believed for a shorter time. */
  readonly others: Cache<Callback>;
  /** Aborted when the module stops. */
  readonly signal: AbortSignal;
  /** deliver_to_private of a domain. */
  allowsLocal(domain: string): boolean;
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
  /** A local part that nobody has. */
  inventUser(): string;
  /** A callback was made, and what it came to. */
  made(address: Address, callback: Callback): void;
  /** An answer was there already. */
  recalled(): void;
}

/** Not remembered: it says nothing about the address. */
const BUSY: Callback = Object.freeze({ status: 'transient', text: '451 4.3.2 [internal] too many callbacks' });

/** More than this many would wait longer than anybody has time. */
const MOST_WAITING = 10_000;

class Late extends Error {}
class Stopped extends Error {}

export class Caller {
  readonly #options: CallerOptions;
  readonly #means: CallerMeans;
  readonly #turns: Turns;
  readonly #pending = new Map<string, Promise<Callback | undefined>>();
  readonly #visited = new Map<string, number>();
  /** One for each callback that runs. */
  readonly #ends = new Set<AbortController>();

  constructor(options: CallerOptions, means: CallerMeans) {
    this.#options = options;
    this.#means = means;
    this.#turns = new Turns(options.mostAtOnce, options.mostPerDomain, MOST_WAITING);
    const stop = (): void => {
      for (const end of this.#ends) end.abort(new Stopped());
    };
    means.signal.addEventListener('abort', stop, { once: true });
  }

  get running(): number {
    return this.#turns.running;
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  /** A server at this address is being asked now. */
  isVisiting(ip: string): boolean {
    return this.#visited.has(ip);
  }

  /** What is known of an address, or found out now; undefined when its servers are not called. Rejects only with the signal's reason. */
  async verify(address: Address, from: Address | null, signal: AbortSignal): Promise<Callback | undefined> {
    signal.throwIfAborted();
    const key = `${from === null ? '' : String(from)}\n${String(address)}`;
    const known = this.#means.passed.peek(key) ?? this.#means.others.peek(key);
    if (known) {
      this.#means.recalled();
      return known;
    }
    let pending = this.#pending.get(key);
    if (!pending) {
      pending = this.#find(key, address, from).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return orAborted(pending, signal);
  }

  /** Belongs to all who wait for it, so it ends with its time or with the module, not with one of them. */
  async #find(key: string, address: Address, from: Address | null): Promise<Callback | undefined> {
    const { made, passed, others } = this.#means;
    const { end, done } = this.#open();
    let heard: Callback | undefined;
    try {
      const callback = await orAborted(
        new Promise<Callback | undefined>((tell, fail) => {
          const listen = (callback: Callback, isAll: boolean): void => {
            heard = callback;
            if (isAll) tell(callback);
          };
          this.#call(address, from, listen, end.signal).finally(done).then(tell, fail);
        }),
        end.signal,
      );
      if (!callback) return undefined;
      made(address, callback);
      return callback === BUSY ? callback : await (callback.status === 'pass' ? passed : others).get(key, async () => callback);
    } catch (error) {
      if (error instanceof Stopped) return heard ?? BUSY;
      if (!(error instanceof Late)) throw error;
      const callback = heard ?? LATE;
      made(address, callback);
      return (callback.status === 'pass' ? passed : others).get(key, async () => callback);
    }
  }

  /** The end of a callback: its time, or that of the module. */
  #open(): { readonly end: AbortController; done(): void } {
    const end = new AbortController();
    const timer = new AbortController();
    this.#ends.add(end);
    if (this.#means.signal.aborted) end.abort(new Stopped());
    this.#means.sleep(this.#options.timeoutMs, timer.signal).then(
      () => end.abort(new Late()),
      () => undefined,
    );
    const done = (): void => {
      timer.abort();
      this.#ends.delete(end);
    };
    return { end, done };
  }

  async #call(
    address: Address,
    from: Address | null,
    heard: (callback: Callback, isAll: boolean) => void,
    signal: AbortSignal,
  ): Promise<Callback | undefined> {
    const { probes, names, allowsLocal, now, random, inventUser } = this.#means;
    const { map, isSkipped, timeoutMs, port, helo, mostPerDomain: most, asksStranger } = this.#options;
    const until = now() + timeoutMs;
    const domain = map.get(address.domain) ?? address.domain;
    const giveBack = await this.#turns.take(domain, signal);
    if (!giveBack) return BUSY;
    try {
      const servers = await findServers(names, domain, { isSkipped, allowsLocal: allowsLocal(domain), random }, signal);
      if (servers.kind === 'skipped') return undefined;
      if (servers.kind === 'known') return servers.callback;
      const question = { address, from, stranger: asksStranger ? inventUser() : undefined };
      const visits = (ip: string): (() => void) => this.#visit(ip);
      return await callBack(question, servers.ips, { probes, port, helo, most, left: () => until - now(), signal, heard, visits });
    } finally {
      giveBack();
    }
  }

  #visit(ip: string): () => void {
    this.#visited.set(ip, (this.#visited.get(ip) ?? 0) + 1);
    return () => {
      const left = (this.#visited.get(ip) ?? 0) - 1;
      if (left > 0) this.#visited.set(ip, left);
      else this.#visited.delete(ip);
    };
  }
}

/** The promise, or the signal's reason when that comes first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((done, fail) => {
    const leave = (): void => fail(signal.reason);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    promise.then(done, fail).finally(() => signal.removeEventListener('abort', leave));
  });
}
