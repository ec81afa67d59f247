/** Why a mail waits, as values: code, the words shown, the option behind it, and a sentence for the reference. */

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
  next: { code: 'next', text: 'it is the next one', doc: 'Nothing holds the message: it starts with the next connection that is free.' },
} as const satisfies Record<string, ReasonKind>;

/** Why one mail waits. */
export interface Reason {
  readonly code: string;
  readonly text: string;
  /** Wall milliseconds when this reason ends; undefined when that is not known. */
  readonly untilMs?: number;
  readonly option?: string;
  /** Key of the limit that is full. */
  readonly limit?: string;
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
