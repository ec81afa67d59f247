/** What delivery knows of one place: its options, its connections, and what holds its mail at the moment. */
import type { Clock } from '../kernel/clock.js';
import type { Copy } from '../module/copy.js';
import type { Hindrance, Supply } from '../module/flow.js';
import { type Shortage, UNDECIDED } from '../module/permit.js';
import type { Place } from '../module/place.js';
import { PlaceLimits } from './limits.js';
import type { Link } from './link.js';
import type { DeliverySnapshot, DeliveryValues } from './settings.js';
import type { Trouble } from './troubles.js';

interface Wait {
  readonly shortage: Shortage;
  readonly cancel: () => void;
}

export class Station {
  readonly place: Place;
  /** From the decision to connect until the connection has ended. */
  readonly links = new Set<Link>();
  /** Those of `links` that have nothing to do. */
  readonly idle = new Set<Link>();
  /** Kinds of idle connection it waits for; kept by the pool. */
  readonly wants = new Set<string>();
  /** Links without a greeting yet. */
  opening = 0;
  /** The next hops are being looked up. */
  routing = false;
  /** All due mail is being ended. */
  draining = false;
  /** A slot or a rate for a connection is waited for. */
  wait: Wait | undefined;
  /** A rate for messages is waited for. */
  throttle: Wait | undefined;
  /** Mail that was taken and may not go over the connections that were free: the next one that fits gets it. */
  head: readonly Copy[] | undefined;
  readonly trouble: Trouble;
  /** No more connections than this until a time: further ones were refused while these work. */
  cap = Number.POSITIVE_INFINITY;
  capUntil = 0;
  #snapshot: DeliverySnapshot;
  #values: DeliveryValues;
  #limits: PlaceLimits;

  readonly #furtherSources: (place: Place) => readonly string[];
  #sources: readonly string[] | undefined;

  /** `furtherSources`: what modules know beside bind_address. */
  constructor(place: Place, snapshot: DeliverySnapshot, trouble: Trouble, furtherSources: (place: Place) => readonly string[]) {
    this.place = place;
    this.trouble = trouble;
    this.#furtherSources = furtherSources;
    this.#snapshot = snapshot;
    this.#values = snapshot.at(place);
    this.#limits = new PlaceLimits(snapshot, place);
  }

  /** Adopts the configuration in force. */
  refresh(snapshot: DeliverySnapshot): void {
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    this.#sources = undefined;
    this.#values = snapshot.at(this.place);
    this.#limits = new PlaceLimits(snapshot, this.place);
  }

  get snapshot(): DeliverySnapshot {
    return this.#snapshot;
  }

  get values(): DeliveryValues {
    return this.#values;
  }

  get limits(): PlaceLimits {
    return this.#limits;
  }

  /** Source addresses, at most one a family that counts; '' for the system's choice. */
  get sources(): readonly string[] {
    this.#sources ??= [this.#values.bind_address ?? '', ...this.#furtherSources(this.place)];
    return this.#sources;
  }

  /** The source that an address is reached from: '' for the system's choice, undefined when none is of its family. */
  sourceFor(ip: string): string | undefined {
    const { sources } = this;
    const isV6 = ip.includes(':');
    const own = sources.find((source) => source !== '' && source.includes(':') === isV6);
    // A source of one family leads to no address of the other; the system would call that our fault.
    return own ?? (sources[0] === '' ? '' : undefined);
  }

  /** Links that were greeted. */
  get working(): number {
    return this.links.size - this.opening;
  }

  /** Due mail that no connection has yet. */
  waiting(supply: Supply): number {
    return supply.waiting(this.place) + (this.head?.length ?? 0);
  }

  /** The next batch, what was held at the head first. */
  take(supply: Supply, max: number): readonly Copy[] | Promise<readonly Copy[]> {
    const { head } = this;
    if (!head) return supply.take(this.place, max);
    this.head = head.length > max ? head.slice(max) : undefined;
    return head.length > max ? head.slice(0, max) : head;
  }

  /** Keeps mail that was taken at the head, before the rest of its batch; it goes back where another batch stands there. */
  hold(mails: readonly Copy[], supply: Supply, isStopping = false): void {
    const { head } = this;
    if (isStopping || (head && head[0]?.reception !== mails[0]?.reception)) supply.putBack(mails);
    else this.head = head ? [...mails, ...head] : mails;
  }

  /** What is held at the head is the queue's again. */
  returnHead(supply: Supply): void {
    const { head } = this;
    this.head = undefined;
    if (head) supply.putBack(head);
  }

  /** A host was reached: no streak of failures any more. */
  succeed(): void {
    this.trouble.failures = 0;
    this.trouble.failingSince = undefined;
  }

  /** Nothing of it would be missed but its troubles. */
  get isForgettable(): boolean {
    return this.links.size === 0 && !this.head && !this.routing && !this.draining && !this.wait && !this.throttle;
  }

  /** Why its mail does not start now, as far as the station itself knows. */
  explain(clock: Clock): Hindrance | undefined {
    const wallOf = (mono: number): number => clock.now() + mono - clock.mono();
    if (this.#values.suspend_delivery) return { code: 'suspended', text: 'suspend_delivery is set' };
    const { hold } = this.trouble;
    if (hold && hold.until > clock.mono()) return { code: 'lookup_failed', text: hold.reply, untilMs: wallOf(hold.until) };
    if (this.throttle) return describeWait(this.throttle.shortage, 'message_rate', clock.now());
    if (this.wait) return describeWait(this.wait.shortage, 'connection_limit', clock.now());
    if (this.routing) return { code: 'routing', text: 'the next hops are being looked up' };
    if (this.capUntil > clock.mono())
      return { code: 'refused', text: 'the host takes no more connections', untilMs: wallOf(this.capUntil) };
    if (this.opening > 0 && this.working === 0) return { code: 'connecting', text: 'a connection is being made' };
    return undefined;
  }
}

const describeWait = ({ key, waitMs }: Shortage, code: string, now: number): Hindrance => ({
  code,
  text:
    key === UNDECIDED
      ? 'a permit was asked for'
      : waitMs === undefined
        ? 'all connections that are allowed are in use'
        : 'the rate that is allowed is used up',
  limit: key,
  ...(waitMs !== undefined && { untilMs: now + waitMs }),
});
