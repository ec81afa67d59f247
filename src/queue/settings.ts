/** The options that the queue reads, by place. */
import { DEFAULT_NAME, type Place, type PlaceParts } from '../module/place.js';
import type { RetryRules } from './retry.js';

/** Option values of one place, named as in the configuration. Durations in seconds. */
export interface QueueValues {
  readonly never_retry: boolean;
  readonly message_expiration: number;
  readonly retry_interval: number;
  readonly max_retry_interval: number;
  /** A limit, `auto` (derived from message_expiration), `none` or unset (age only). */
  readonly max_retries: number | 'auto' | 'none' | undefined;
  readonly never_attempt_expired_messages: boolean;
  readonly drop_body_after_trans_fail: number;
  /** −1 = no limit, 0 = none. */
  readonly max_resident_active_queue: number;
  /** 0 = no limit. */
  readonly max_resident_messages: number;
  readonly suspend_delivery: boolean;
  /** What happens to mail without a binding; `none` only counts when mail is received. */
  readonly default_binding?: 'normal' | 'suspended' | 'none';
  readonly delayed_binding_domain_fuzz: number;
}

/** Where the value of an option at a place is written. */
export interface Origin {
  readonly value: unknown;
  /** Name of the scope, `default` when no file sets it. */
  readonly scopeKey: string;
  readonly file?: string;
  readonly line?: number;
}

/** What the queue needs of a configuration snapshot. */
export interface QueueSnapshot {
  at(where: PlaceParts): QueueValues;
  /** There is such a binding; without it all count as there. */
  hasBinding?(binding: string, group: string): boolean;
  /** Without it every value counts as the default's. */
  find?(option: string, where: PlaceParts | (PlaceParts & { readonly host: string })): Origin;
}

/** How many mails in memory count for one `max_resident_messages` that is written below global. */
export interface Share {
  count: number;
}

/** Options of a place, with the part that decides about retries in the form `judge` reads. */
export interface Settings {
  readonly values: QueueValues;
  readonly retry: RetryRules;
  /** Undefined when all mail in memory counts. */
  readonly share: Share | undefined;
  /** Why the binding sends nothing: it is in no file any more, or is the default one and that is suspended. */
  readonly unbound: Unbound | undefined;
}

export type Unbound = 'removed' | 'suspended';

/** Settings by place, read anew when another snapshot is in force. */
export class SettingsBook {
  readonly #inForce: () => QueueSnapshot;
  #snapshot: QueueSnapshot | undefined;
  #byPlace: (Settings | undefined)[] = [];
  /** The place that the settings of a number were read for: numbers are used again. */
  #owners: (Place | undefined)[] = [];
  /** Many places have the same values: they share one object. */
  readonly #shared = {
    bound: new Map<QueueValues, Settings>(),
    removed: new Map<QueueValues, Settings>(),
    suspended: new Map<QueueValues, Settings>(),
  };
  /** By scope; kept over reloads, since the mail that they count is. */
  readonly #shares = new Map<string, Share>();

  constructor(inForce: () => QueueSnapshot) {
    this.#inForce = inForce;
  }

  of(place: Place): Settings {
    const snapshot = this.#inForce();
    if (snapshot !== this.#snapshot) this.#turnOver(snapshot);
    const { index } = place;
    const known = this.#byPlace[index];
    if (known && this.#owners[index] === place) return known;
    const settings = this.#settingsFor(snapshot, place);
    this.#byPlace[index] = settings;
    this.#owners[index] = place;
    return settings;
  }

  #turnOver(snapshot: QueueSnapshot): void {
    this.#snapshot = snapshot;
    this.#byPlace = [];
    this.#owners = [];
    for (const settings of Object.values(this.#shared)) settings.clear();
  }

  #settingsFor(snapshot: QueueSnapshot, place: Place): Settings {
    const values = snapshot.at(place);
    const unbound = unboundOf(snapshot, place, values);
    const shared = this.#shared[unbound ?? 'bound'];
    let settings = shared.get(values);
    if (!settings) {
      settings = { values, retry: readRetryRules(values), share: this.#shareFor(snapshot, place), unbound };
      shared.set(values, settings);
    }
    return settings;
  }

  #shareFor(snapshot: QueueSnapshot, place: Place): Share | undefined {
    const { scopeKey } = snapshot.find?.('max_resident_messages', place) ?? NOWHERE;
    if (scopeKey === 'global' || scopeKey === NOWHERE.scopeKey) return undefined;
    const share = this.#shares.get(scopeKey) ?? { count: 0 };
    this.#shares.set(scopeKey, share);
    return share;
  }
}

function unboundOf(snapshot: QueueSnapshot, { binding, group }: Place, values: QueueValues): Unbound | undefined {
  if (binding === DEFAULT_NAME) return values.default_binding === 'suspended' ? 'suspended' : undefined;
  return snapshot.hasBinding?.(binding, group) === false ? 'removed' : undefined;
}

const NOWHERE: Origin = { value: undefined, scopeKey: 'default' };

const readRetryRules = (values: QueueValues): RetryRules => ({
  neverRetry: values.never_retry,
  expirationSeconds: values.message_expiration,
  intervalSeconds: values.retry_interval,
  maxIntervalSeconds: values.max_retry_interval,
  retries: values.max_retries ?? 'none',
});
