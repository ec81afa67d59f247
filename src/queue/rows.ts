/** Rows that the console prints: what one looks like, and how counts are made and added. Times are wall milliseconds. */
import { LIST, type List } from './entries.js';
import type { Reason } from './reasons.js';

/** Mails by what they wait for. */
export interface Counts {
  /** Due, with those that are being delivered. */
  readonly active: number;
  readonly delayed: number;
  /** Being delivered, or read back for it; counted in `active` too. */
  readonly inFlight: number;
  /** Set aside by a policy. */
  readonly held: number;
  /** Ended, notice still to be made. */
  readonly ending: number;
  readonly total: number;
}

export interface Summary extends Counts {
  /** Domains that have mail. */
  readonly domains: number;
  readonly places: number;
  readonly residentMails: number;
  readonly residentBytes: number;
}

export interface PlaceRow extends Counts {
  readonly group: string;
  readonly binding: string;
  readonly domain: string;
  readonly connections: number;
  /** Code of what stops the place as a whole, when something does. */
  readonly stopped: string | undefined;
}

/** One binding over all domains. */
export interface BindingRow extends Counts {
  readonly group: string;
  readonly binding: string;
  readonly connections: number;
  /** Messages in memory. */
  readonly resident: number;
}

/** One domain over all bindings. */
export interface DomainRow extends Counts {
  readonly domain: string;
  readonly connections: number;
}

export type MailState = 'active' | 'delayed' | 'in flight' | 'held' | 'ending';

export interface MailRow {
  readonly id: string;
  readonly state: MailState;
  readonly group: string;
  readonly binding: string;
  readonly domain: string;
  readonly created: number;
  readonly nextAttempt: number;
  readonly attempts: number;
  /** Undefined when the message could not be read from the spool. */
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
}

export interface MailDetails extends MailRow {
  /** RFC 6710, -9 to 9. */
  readonly priority: number;
  readonly lastReply: string;
  readonly protocol: string;
  /** "ip:port" of the client; empty for generated mail. */
  readonly receivedFrom: string;
  readonly size: number;
  readonly resident: boolean;
  readonly quarantined: string | undefined;
  readonly why: Reason;
}

/** Counts from the lengths of the lists. */
export const countsFrom = (count: (list: List) => number): Counts => {
  const inFlight = count(LIST.taken);
  const active = count(LIST.active) + count(LIST.urgent) + count(LIST.patient) + inFlight;
  const delayed = count(LIST.delayed);
  const held = count(LIST.held);
  const ending = count(LIST.ending);
  return { active, delayed, inFlight, held, ending, total: active + delayed + held + ending };
};

/** Both together. */
export const addCounts = (a: Counts, b: Counts): Counts => ({
  active: a.active + b.active,
  delayed: a.delayed + b.delayed,
  inFlight: a.inFlight + b.inFlight,
  held: a.held + b.held,
  ending: a.ending + b.ending,
  total: a.total + b.total,
});

/** The counts of a row without the rest. */
export const pickCounts = ({ active, delayed, inFlight, held, ending, total }: Counts): Counts => ({
  active,
  delayed,
  inFlight,
  held,
  ending,
  total,
});
