/** Why a mail waits, as values: code, the words shown, the option behind it, and a sentence for the reference. */
import type { Origin } from './settings.js';

export interface ReasonKind {
  readonly code: string;
  /** Shown to the operator; %s stands for a detail. */
  readonly text: string;
  /** Option that decides it, when there is one. */
  readonly option?: string;
  readonly doc: string;
}

export const REASONS = {
  unknown: {
    code: 'unknown',
    text: 'no such message',
    doc: 'The id belongs to no message in the queue: it was delivered, failed or never was here.',
  },
  held: { code: 'held', text: 'set aside: %s', doc: 'A policy set the message aside. It is kept until an operator releases or fails it.' },
  ending: { code: 'ending', text: 'failed by %s; its notice is being made', doc: 'The message was ended; its notice and log line follow.' },
  taken: {
    code: 'taken',
    text: 'being delivered now',
    doc: 'A connection has the message, or its body is being read back from the spool.',
  },
  not_due: {
    code: 'not_due',
    text: 'next attempt after %s earlier ones',
    option: 'retry_interval',
    doc: 'An attempt failed for now and the back-off has not passed. `message retry` and `flush domain` make it due.',
  },
  spool_blocked: {
    code: 'spool_blocked',
    text: 'outcomes cannot be recorded: %s',
    doc: 'The spool refuses writes, so nothing is delivered: delivering without a record would deliver twice.',
  },
  suspended: {
    code: 'suspended',
    text: 'delivery is suspended by configuration',
    option: 'suspend_delivery',
    doc: 'suspend_delivery is set for the place or something it falls back to.',
  },
  stopped: {
    code: 'stopped',
    text: 'delivery was stopped: %s',
    doc: 'An operator or a module stopped the place at run time, for a while or until it is lifted.',
  },
  binding_removed: {
    code: 'binding_removed',
    text: 'the configuration has no binding %s any more, or not in this group',
    doc: 'Its source address and options are gone, and the mail of one sender must not leave by the address of another. `rebind` gives it a binding that exists.',
  },
  default_suspended: {
    code: 'default_suspended',
    text: 'mail without a binding is suspended',
    option: 'default_binding',
    doc: 'default_binding is suspended, and the message was given no binding.',
  },
  carrier: {
    code: 'carrier',
    text: '%s',
    doc: 'Delivery cannot start here now: a limit is reached, a throttle waits or no host can be reached. The code tells which.',
  },
  behind: {
    code: 'behind',
    text: '%s messages of this place go first',
    doc: 'The message is due and will be taken when those in front of it have been.',
  },
  expires: {
    code: 'expires',
    text: 'fails then if it is not delivered',
    option: 'message_expiration',
    doc: 'The age at which the message is given up. It stands at the end of every chain.',
  },
  next: { code: 'next', text: 'it is the next one', doc: 'Nothing holds the message: it starts with the next connection that is free.' },
} as const satisfies Record<string, ReasonKind>;

/** Why one mail waits. */
export interface Reason {
  readonly code: string;
  readonly text: string;
  /** Wall milliseconds when this reason ends; undefined when that is not known. */
  readonly untilMs?: number;
  readonly option?: string;
  /** Where the option's value is written. */
  readonly origin?: Origin;
  /** Key of the limit that is full. */
  readonly limit?: string;
  /** What is taken of the limit now, and what it allows. */
  readonly used?: number;
  readonly allowed?: number;
  /** What the last attempt was told. */
  readonly reply?: string;
}

/** Fills in the details of a reason. */
export function reason(kind: ReasonKind, detail = '', more: { readonly untilMs?: number | undefined } = {}): Reason {
  return {
    code: kind.code,
    text: kind.text.replace('%s', detail),
    ...(kind.option === undefined ? {} : { option: kind.option }),
    ...(more.untilMs === undefined ? {} : { untilMs: more.untilMs }),
  };
}

/** Options behind the limits of delivery, by the first words of a limit's key. */
const LIMIT_OPTIONS: readonly (readonly [prefix: string, option: string])[] = [
  ['connections/place/', 'max_outbound_connections'],
  ['connections/scope/', 'scope_max_outbound_connections'],
  ['connections/server', 'server_max_outbound_connections'],
  ['connections/host/', 'max_outbound_connections'],
  ['rate/connections/', 'outbound_throttle_connections'],
  ['rate/messages/', 'outbound_throttle_messages'],
];

/** Options behind what delivery says of a place, by its code. */
const HINDRANCE_OPTIONS: Readonly<Record<string, string>> = { source_paused: 'bind_address', suspended: 'suspend_delivery' };

/** The option that decides about a hindrance, when one is known; `host` when it is written for a host. */
export function optionOf(code: string, limit: string | undefined): { readonly option: string; readonly host?: string } | undefined {
  if (limit === undefined) {
    const option = Object.hasOwn(HINDRANCE_OPTIONS, code) ? HINDRANCE_OPTIONS[code] : undefined;
    return option === undefined ? undefined : { option };
  }
  const found = LIMIT_OPTIONS.find(([prefix]) => limit.startsWith(prefix));
  if (!found) return undefined;
  const [prefix, option] = found;
  return prefix === 'connections/host/' ? { option, host: limit.slice(prefix.length) } : { option };
}
