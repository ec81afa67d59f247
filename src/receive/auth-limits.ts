/** How often logins may fail over all sessions, by client and by user name. */
import type { Clock } from '../kernel/clock.js';
import { Lru } from '../kernel/lru.js';
import { Rate } from '../kernel/rate.js';
import { clientKey } from '../net/client-count.js';
import type { Throttle } from './throttle.js';

/** Clients and users that are remembered; who failed longest ago is forgotten first. */
const REMEMBERED = 10_000;
const GOOD_MS = 7 * 86_400_000;

export interface FailureLimits {
  readonly perClient: Throttle;
  readonly perUser: Throttle;
}

export class LoginLimits {
  readonly #clock: Pick<Clock, 'mono'>;
  readonly #limits: () => FailureLimits;
  readonly #clients = new Lru<Rate>({ capacity: REMEMBERED });
  readonly #users = new Lru<Rate>({ capacity: REMEMBERED });
  /** Client and user, where the password was right lately. */
  readonly #good: Lru<true>;

  constructor(clock: Pick<Clock, 'mono'>, limits: () => FailureLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#good = new Lru({ capacity: REMEMBERED, clock, hitMs: GOOD_MS });
  }

  /** This client, or this user, has failed too often to be asked again now. Strangers cannot lock a user out of where he usually is. */
  blocks(ip: string, user: string): boolean {
    const now = this.#clock.mono();
    const client = clientKey(ip);
    const { perClient, perUser } = this.#limits();
    if (isOn(perClient) && (this.#clients.get(client)?.wait(now) ?? 0) > 0) return true;
    if (!isOn(perUser) || this.#good.get(pair(client, user))) return false;
    return (this.#users.get(userKey(user))?.wait(now) ?? 0) > 0;
  }

  /** A login was refused; the user is empty when none was named. */
  failed(ip: string, user: string): void {
    const { perClient, perUser } = this.#limits();
    this.#count(this.#clients, clientKey(ip), perClient);
    if (user !== '') this.#count(this.#users, userKey(user), perUser);
  }

  succeeded(ip: string, user: string): void {
    this.#good.set(pair(clientKey(ip), user), true);
  }

  #count(rates: Lru<Rate>, key: string, limit: Throttle): void {
    if (!isOn(limit)) return;
    let rate = rates.get(key);
    if (rate?.count !== limit.count || rate.seconds !== limit.seconds) {
      rate = new Rate(limit.count, limit.seconds);
      rates.set(key, rate);
    }
    rate.tryTake(this.#clock.mono());
  }
}

const pair = (client: string, user: string): string => `${client} ${user}`;

/** Verifiers may take a name in any case and form, so its spellings share one limit. */
const userKey = (user: string): string => user.normalize('NFKC').toLowerCase();

const isOn = (limit: Throttle): limit is { readonly count: number; readonly seconds: number } =>
  limit !== undefined && limit !== 'none' && limit.count > 0;
