/** What each specifier of a format stands for. Pure, but for what `Tools` looks up. */
import type { Attempt, MacroEvent, Mail, Message, Reception } from '#module';
import { readStrftime } from './strftime.js';

/** The text of one specifier for one event. */
export type Fill = (event: MacroEvent) => string;

/** What specifiers ask others for. */
export interface Tools {
  /** Name of a bounce class. */
  readonly nameOfClass: (bounceClass: number) => string;
  readonly groupOfPathway: (pathway: string | undefined) => string;
  /** Value of the first field of that name, as text; empty when there is none. */
  readonly readHeader: (message: Message, name: string) => string;
  /** Cleans text of others. */
  readonly clean: (text: string) => string;
  /** A reply on one line. */
  readonly formatReply: (reply: { readonly code: number; readonly status: string; readonly text: string }) => string;
}

/** How a specifier may stand. `needed`: only with `{…}` behind it. */
export interface Specifier {
  readonly argument: 'none' | 'may' | 'needed';
  /** Answers why an argument cannot be. */
  make(argument: string | undefined, tools: Tools): Fill | { readonly say: string };
}

/** Ids that are not known. */
const NO_ID = '00/00-00000-00000000';
/** Stage of what is no delivery. */
const UNKNOWN_STAGE = '22';
const STAGES: readonly string[] = [
  'not connected',
  'idle',
  'during MAIL FROM',
  'after MAIL FROM',
  'during RCPT TO',
  'after RCPT TO',
  'during DATA',
  'after DATA',
  'sending BODY',
  'reading confirmation',
  'during EHLO',
  'after EHLO',
  'reading BANNER',
  'during RSET',
  'after RSET',
  'during STARTTLS',
  'after STARTTLS',
  'TLS handshake',
  'TLS renegotiation',
  'during XCLIENT',
  'after XCLIENT',
  'out-of-band bounce',
  'unknown',
];

const receptionOf = ({ mail }: MacroEvent): Reception | undefined => mail?.reception;
/** A draft may have no recipient yet. */
const recipientOf = ({ mail, rejection }: MacroEvent) =>
  rejection ? (rejection.recipient ?? rejection.draft?.recipients[0]) : mail?.recipient;
const attemptsOf = (mail: Message | undefined): string => (mail && 'attempts' in mail ? String((mail as Mail).attempts) : '');
const isFailure = (attempt: Attempt | undefined): attempt is Attempt => attempt !== undefined && attempt.outcome !== 'delivered';

const userOf = (event: MacroEvent): string => receptionOf(event)?.user ?? event.session?.user ?? '';
const factsOf = (event: MacroEvent) => receptionOf(event)?.facts ?? event.session?.facts;
const pathwayOf = (event: MacroEvent): string | undefined => receptionOf(event)?.pathway ?? event.session?.pathway;

function remoteIp({ mail, attempt, rejection }: MacroEvent): string {
  if (attempt) return attempt.hop?.ip ?? '';
  return rejection ? rejection.session.peer.ip : (mail?.reception.source?.ip ?? '');
}

function sizeOf({ mail, rejection }: MacroEvent): string {
  if (!mail) return '';
  // Nothing of a refused message may have come.
  return rejection && mail.size === 0 ? '' : String(mail.size);
}

const simple = (fill: Fill): Specifier => ({ argument: 'none', make: () => fill });
const tooled = (make: (tools: Tools) => Fill): Specifier => ({ argument: 'none', make: (_, tools) => make(tools) });
const keyed = (make: (key: string, tools: Tools) => Fill): Specifier => ({
  argument: 'needed',
  make: (key = '', tools) => (key === '' ? { say: 'nothing stands between its braces' } : make(key, tools)),
});

const decimals = (text: string, least: number): number | undefined => {
  const digits = /^\d$/.test(text) ? Number(text) : Number.NaN;
  return digits >= least && digits <= 6 ? digits : undefined;
};

const epoch = (ms: number): string => String(Math.floor(ms / 1000));
/** Seconds with decimals, cut and not rounded: a time never lies ahead. */
const fraction = (ms: number, digits: number): string => {
  const micros = Math.floor(ms * 1000);
  const seconds = Math.floor(micros / 1e6);
  return `${seconds}.${String(micros - seconds * 1e6)
    .padStart(6, '0')
    .slice(0, digits)}`;
};
const queued = ({ mail, at }: MacroEvent, digits: number): string =>
  mail ? (Math.max(0, at - mail.reception.receivedAt) / 1000).toFixed(digits) : '';

const host = simple(({ attempt }) => attempt?.hop?.name ?? '');

/** By name, without the percent sign. */
export const specifiers: ReadonlyMap<string, Specifier> = new Map<string, Specifier>([
  ['A', simple((event) => (userOf(event) === '' ? '' : (factsOf(event)?.get('auth_name') ?? '')))],
  ['b', simple(({ place }) => place?.binding ?? '')],
  ['B', simple(sizeOf)],
  ['BI', simple((event) => receptionOf(event)?.batchId ?? NO_ID)],
  [
    'c',
    tooled(
      ({ nameOfClass }) =>
        ({ attempt }) =>
          isFailure(attempt) ? nameOfClass(attempt.bounceClass) : '',
    ),
  ],
  ['C', simple(({ attempt }) => (isFailure(attempt) ? String(attempt.bounceClass) : ''))],
  ['CI', simple((event) => receptionOf(event)?.connectionId ?? event.session?.id ?? NO_ID)],
  ['d', simple(({ place }) => place?.domain ?? '')],
  ['g', simple(({ place }) => place?.group ?? '')],
  ['H', simple(remoteIp)],
  [
    'h',
    keyed(
      (name, { readHeader, clean }) =>
        ({ mail }) =>
          mail ? clean(readHeader(mail, name)) : '',
    ),
  ],
  ['i', simple(({ mail }) => mail?.id ?? NO_ID)],
  ['m', simple(({ mail }) => mail?.sender?.local ?? '')],
  ['M', simple(({ mail }) => mail?.sender?.domain ?? '')],
  ['MX', host],
  ['mx', host],
  [
    'n',
    tooled(
      ({ clean, formatReply }) =>
        ({ attempt, rejection }) =>
          rejection ? clean(formatReply(rejection.reply)) : attempt ? clean(attempt.reply) : '',
    ),
  ],
  ['N', simple(({ mail, rejection }) => (rejection ? '' : attemptsOf(mail)))],
  ['OC', simple(({ attempt }) => attempt?.connectionId || NO_ID)],
  ['p', simple((event) => receptionOf(event)?.protocol ?? 'unknown')],
  ['P', simple((event) => pathwayOf(event) ?? '')],
  [
    'PG',
    tooled(
      ({ groupOfPathway }) =>
        (event) =>
          event.session?.pathwayGroup ?? groupOfPathway(pathwayOf(event)),
    ),
  ],
  ['r', simple((event) => recipientOf(event)?.local ?? '')],
  ['R', simple((event) => recipientOf(event)?.domain ?? '')],
  ['s', simple(({ attempt }) => (attempt ? (STAGES[attempt.stage] ?? '') : ''))],
  ['S', simple(({ attempt }) => (attempt ? String(attempt.stage) : UNKNOWN_STAGE))],
  [
    't',
    {
      argument: 'may',
      make(format) {
        if (format === undefined) return ({ at }) => epoch(at);
        const reading = readStrftime(format);
        return 'say' in reading ? reading : ({ at }) => reading.fill(at);
      },
    },
  ],
  [
    'T',
    {
      argument: 'may',
      make(argument = '2') {
        const digits = decimals(argument, 0);
        return digits === undefined ? { say: '0 to 6 decimals were expected' } : (event) => queued(event, digits);
      },
    },
  ],
  ['U', simple(userOf)],
  [
    'us',
    {
      argument: 'needed',
      make(argument = '') {
        const digits = decimals(argument, 1);
        return digits === undefined ? { say: '1 to 6 decimals were expected' } : ({ at }) => fraction(at, digits);
      },
    },
  ],
  ['vctx_conn', keyed((key) => (event) => factsOf(event)?.get(key) ?? '')],
  [
    'vctx_mess',
    keyed(
      (key) =>
        ({ mail }) =>
          mail?.facts.get(key) ?? '',
    ),
  ],
]);
