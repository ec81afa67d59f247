/** What one try to deliver a mail came to. */
import type { Mail } from './message.js';
import type { Place } from './place.js';
import type { Endpoint } from './session.js';

export type Outcome = 'delivered' | 'deferred' | 'failed';

/** What the other side said, or what we say in its stead ("451 4.4.2 [internal] …"). */
export interface Delivery {
  readonly outcome: Outcome;
  /** Reply on one line, code first. */
  readonly reply: string;
}

/** Where in the SMTP dialogue an attempt ended (numbers of Momentum's logs). */
export const STAGE = {
  notConnected: 0,
  idle: 1,
  duringMailFrom: 2,
  afterMailFrom: 3,
  duringRcptTo: 4,
  afterRcptTo: 5,
  duringData: 6,
  afterData: 7,
  sendingBody: 8,
  readingConfirmation: 9,
  duringEhlo: 10,
  afterEhlo: 11,
  readingBanner: 12,
  duringRset: 13,
  afterRset: 14,
  duringStartTls: 15,
  afterStartTls: 16,
  tlsHandshake: 17,
  tlsRenegotiation: 18,
  duringXclient: 19,
  afterXclient: 20,
  outOfBand: 21,
  unknown: 22,
} as const;

export type Stage = (typeof STAGE)[keyof typeof STAGE];

/** One next hop: an address of a host, as DNS or a route gave it. */
export interface Hop extends Endpoint {
  /** Host name; the address itself when there is none. */
  readonly name: string;
}

/** What a connection to a server was made with. */
export interface Via {
  /** Our address; empty when the system does not tell it any more. */
  readonly localIp: string;
  /** Option tls in force, raised by what the domain demands. */
  readonly tlsLevel: 'no' | 'ifavailable' | 'required';
}

export interface Attempt extends Delivery {
  readonly mail: Mail;
  readonly place: Place;
  /** Wall time in milliseconds. */
  readonly at: number;
  /** Id of the outbound connection; empty when none was made. */
  readonly connectionId: string;
  readonly stage: Stage;
  /** Octets of the message that were handed to the socket. */
  readonly bytes: number;
  readonly hop: Hop | undefined;
  /** Bounce class of core's table; 0 for a delivery. */
  readonly bounceClass: number;
  /** The peer may already have it: its answer to the final dot never came. */
  readonly possibleDuplicate: boolean;
  readonly tls: Readonly<Record<string, string>> | undefined;
  /** The connection that was greeted; undefined when none was. */
  readonly via?: Via | undefined;
}
