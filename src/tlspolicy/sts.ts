/** Which MTA-STS policy is in force for a domain: what its TXT record names, fetched once, kept on disk, fetched again before it expires. */
import { hasFailed } from '../dns/answer.js';
import { Flights } from '../dns/flights.js';
import type { Resolver } from '../dns/resolver.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { Lru } from '../kernel/lru.js';
import { codeOf } from '../kernel/problems.js';
import type { TlsFault } from '../module/tls-demand.js';
import type { Fetched } from './sts-fetch.js';
import { readStsRecord, type StsPolicy } from './sts-policy.js';
import { expiryOf, type KeptPolicy, type StsStore } from './sts-store.js';

export interface StsFinding {
  /** Undefined: the domain has none. */
  readonly policy: StsPolicy | undefined;
  /** Tells this version of the policy from others. */
  readonly id: string;
  /** A policy was named and could not be had. */
  readonly fault: TlsFault | undefined;
  readonly why: string;
  /** How long this is good for. */
  readonly ttlSeconds: number;
}

export interface StsPorts {
  readonly clock: Clock;
  readonly resolver: Pick<Resolver, 'txt'>;
  readonly store: StsStore;
  fetch(domain: string, signal: AbortSignal): Promise<Fetched>;
  log(level: 'info' | 'warning' | 'error', text: string, cause?: unknown): void;
}

const REMEMBERED = 20_000;
/** A fetch that failed is not repeated sooner (RFC 8461 3.3). */
const FAILURE_MS = 300_000;
/** A policy in use is fetched anew when it is so old, or half through its time. */
const DAY_MS = 86_400_000;
const ROUND_MS = 3_600_000;
/** Rounds between two looks at everything on disk. */
const SWEEP_ROUNDS = 24;
/** Policies fetched anew in one round. */
const MOST_A_ROUND = 500;
const AT_ONCE = 4;

export class StsPolicies {
  readonly #ports: StsPorts;
  /** Undefined as value: the disk has none either. */
  readonly #kept: Lru<KeptPolicy>;
  /** Ids whose policy could not be fetched. */
  readonly #failed: Lru<{ readonly id: string; readonly fault: TlsFault; readonly why: string }>;
  readonly #flights = new Flights<Fetched>();
  readonly #stop = new AbortController();
  #round: Timer;
  #rounds = 0;

  constructor(ports: StsPorts) {
    this.#ports = ports;
    const { clock } = ports;
    this.#kept = new Lru({ capacity: REMEMBERED, clock, missMs: ROUND_MS });
    this.#failed = new Lru({ capacity: REMEMBERED, clock, hitMs: FAILURE_MS });
    this.#round = clock.after(ROUND_MS, () => this.#turn());
  }

  /** `domain` is normalized. Rejects only with the signal's reason. */
  async find(domain: string, signal: AbortSignal): Promise<StsFinding> {
    const { clock, resolver } = this.#ports;
    const kept = await this.#recall(domain);
    const answer = await resolver.txt(`_mta-sts.${domain}`, signal);
    const id = answer.kind === 'found' ? readStsRecord(answer.records) : undefined;
    const ttlSeconds = hasFailed(answer) ? 60 : answer.ttlSeconds;
    // Without a record the policy that was believed before still binds us until it expires (RFC 8461 5.1).
    if (id === undefined || id === kept?.id) return this.#conclude(kept, ttlSeconds, undefined);
    const known = this.#failed.get(domain);
    if (known?.id === id) return this.#conclude(kept, ttlSeconds, known);
    const fetched = await this.#fetch(domain, id, signal);
    if (fetched.kind === 'failed') {
      this.#failed.set(domain, { id, fault: fetched.fault, why: fetched.why });
      return this.#conclude(kept, Math.min(ttlSeconds, FAILURE_MS / 1000), fetched);
    }
    const fresh: KeptPolicy = { policy: fetched.policy, text: fetched.text, id, fetchedAt: clock.now() };
    return this.#conclude(fresh, ttlSeconds, undefined);
  }

  /** What is kept for a domain, from memory or the disk. */
  async show(domain: string): Promise<KeptPolicy | undefined> {
    return this.#recall(domain);
  }

  domains(): Promise<readonly string[]> {
    return this.#ports.store.domains();
  }

  /** Forgets one domain's policy, or all of them; they are fetched anew when there is mail. Answers how many. */
  async forget(domain?: string): Promise<number> {
    const { store } = this.#ports;
    const domains = domain === undefined ? await store.domains() : [domain];
    for (const each of domains) await store.remove(each);
    if (domain === undefined) {
      this.#kept.clear();
      this.#failed.clear();
    } else {
      this.#kept.delete(domain);
      this.#failed.delete(domain);
    }
    return domains.length;
  }

  close(): void {
    this.#round.cancel();
    this.#stop.abort();
  }

  #conclude(
    kept: KeptPolicy | undefined,
    ttlSeconds: number,
    failure: { readonly fault: TlsFault; readonly why: string } | undefined,
  ): StsFinding {
    const leftMs = kept ? expiryOf(kept) - this.#ports.clock.now() : 0;
    const valid = leftMs > 0 ? kept : undefined;
    return {
      policy: valid?.policy,
      id: valid?.id ?? '',
      fault: failure?.fault,
      why: failure?.why ?? '',
      ttlSeconds: valid ? Math.min(ttlSeconds, Math.ceil(leftMs / 1000)) : ttlSeconds,
    };
  }

  async #recall(domain: string): Promise<KeptPolicy | undefined> {
    if (this.#kept.knows(domain)) return this.#kept.get(domain);
    let kept: KeptPolicy | undefined;
    try {
      kept = await this.#ports.store.load(domain);
    } catch (error) {
      this.#ports.log('error', `the MTA-STS policy kept for ${domain} cannot be read (${codeOf(error)})`, error);
    }
    // It may have been fetched meanwhile.
    if (!this.#kept.knows(domain)) this.#kept.set(domain, kept);
    return this.#kept.get(domain);
  }

  /** One fetch a domain at a time; whoever leaves does not end it for the others. */
  #fetch(domain: string, id: string, signal: AbortSignal): Promise<Fetched> {
    const { fetch, clock, store, log } = this.#ports;
    return this.#flights.join(domain, signal, async (own) => {
      const fetched = await fetch(domain, own);
      if (fetched.kind === 'failed') {
        log('warning', `the MTA-STS policy of ${domain} could not be fetched: ${fetched.why}`);
        return fetched;
      }
      const kept: KeptPolicy = { policy: fetched.policy, text: fetched.text, id, fetchedAt: clock.now() };
      this.#kept.set(domain, kept);
      this.#failed.delete(domain);
      try {
        await store.save(domain, kept);
      } catch (error) {
        // It holds in memory; after a restart it is fetched again.
        log('error', `the MTA-STS policy of ${domain} could not be kept (${codeOf(error)})`, error);
      }
      return fetched;
    });
  }

  #turn(): void {
    void this.refresh(this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#ports.log('error', 'MTA-STS policies could not be refreshed', error);
    });
    this.#round = this.#ports.clock.after(ROUND_MS, () => this.#turn());
  }

  /** Fetches anew what is in use and getting old, so that it does not expire while its host is down for an hour. */
  async refresh(signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#ports;
    const now = clock.now();
    const due: { domain: string; id: string }[] = [];
    for (const [domain, kept] of this.#kept.entries()) {
      if (!kept || expiryOf(kept) <= now || due.length === MOST_A_ROUND) continue;
      if (now - kept.fetchedAt >= Math.min(DAY_MS, kept.policy.maxAgeSeconds * 500)) due.push({ domain, id: kept.id });
    }
    for (let i = 0; i < due.length; i += AT_ONCE) {
      await Promise.all(due.slice(i, i + AT_ONCE).map(({ domain, id }) => this.#fetch(domain, id, signal)));
    }
    if (++this.#rounds % SWEEP_ROUNDS === 0) await store.sweep(now);
  }
}
