/** What a session needs of the service it belongs to. */
import type { SecureContext } from 'node:tls';
import type { InboundValues } from '../../config/snapshot.js';
import type { Clock } from '../../kernel/clock.js';
import type { Watch } from '../../kernel/watch.js';
import type { Profile } from './profile.js';
import type { Reception } from './reception.js';

/** What the limits of connections look at. */
export interface Guest {
  readonly peer: { readonly ip: string };
  readonly stanza: string;
  readonly options: InboundValues;
}

export interface House<Own> {
  readonly reception: Reception<Own>;
  readonly clock: Clock;
  readonly watch: Watch;
  /** Our name where no option gives another. */
  readonly hostname: string;
  /** Product and version, as the banner shows them. */
  readonly product: string;
  /** Monotonic milliseconds, at most one tick of the watch old. */
  readonly coarseNow: number;
  /** RFC 5322 date, at most a second old. */
  date(): string;
  nextId(): string;
  profileOf(options: InboundValues): Profile;
  /** Certificate for these options, if there is one. */
  contextOf(options: InboundValues): SecureContext | undefined;
  /** The certificate for a server name these options know (SNI). */
  namedContextOf(options: InboundValues, serverName: string): SecureContext | undefined;
  /** Bodies above this many octets leave memory. */
  largeBodyBytes(): number;
  /** The session, counted for the client `from` until now, is that of another one. */
  moved(session: { readonly peer: { readonly ip: string } }, from: string): void;
  /** Whether the limits of connections are passed with this session. */
  isCrowded(session: Guest): boolean;
  /** The session is over, questions included. */
  left(session: object): void;
}

/** The listener socket a session came in by. */
export interface Door {
  /** What the snapshot calls the listener stanza. */
  readonly stanza: string;
  /** Name of the listen stanza, as written. */
  readonly listen: string;
  readonly lmtp: boolean;
}
