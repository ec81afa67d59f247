/** Which command a line is: its first word as a small number, so that the hot path compares integers. */

export const VERB = {
  unknown: 0,
  ehlo: 1,
  helo: 2,
  lhlo: 3,
  mail: 4,
  rcpt: 5,
  data: 6,
  bdat: 7,
  rset: 8,
  noop: 9,
  vrfy: 10,
  help: 11,
  quit: 12,
  starttls: 13,
  auth: 14,
  /** Known to SMTP, not offered by us: EXPN, TURN, ETRN, SEND, SAML, SOML. */
  other: 15,
} as const;

export type Verb = (typeof VERB)[keyof typeof VERB];

/** Names as they are told, by verb. */
export const VERB_NAMES: readonly string[] = [
  '',
  'EHLO',
  'HELO',
  'LHLO',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'RSET',
  'NOOP',
  'VRFY',
  'HELP',
  'QUIT',
  'STARTTLS',
  'AUTH',
  '',
];

const LOWER = 0x20;

/** Four letters as one integer, in lower case. */
const pack = (text: string, at: number): number =>
  ((text.charCodeAt(at) | LOWER) << 24) |
  ((text.charCodeAt(at + 1) | LOWER) << 16) |
  ((text.charCodeAt(at + 2) | LOWER) << 8) |
  (text.charCodeAt(at + 3) | LOWER);

const BY_LETTERS = new Map<number, Verb>([
  [pack('ehlo', 0), VERB.ehlo],
  [pack('helo', 0), VERB.helo],
  [pack('lhlo', 0), VERB.lhlo],
  [pack('mail', 0), VERB.mail],
  [pack('rcpt', 0), VERB.rcpt],
  [pack('data', 0), VERB.data],
  [pack('bdat', 0), VERB.bdat],
  [pack('rset', 0), VERB.rset],
  [pack('noop', 0), VERB.noop],
  [pack('vrfy', 0), VERB.vrfy],
  [pack('help', 0), VERB.help],
  [pack('quit', 0), VERB.quit],
  [pack('auth', 0), VERB.auth],
  [pack('expn', 0), VERB.other],
  [pack('turn', 0), VERB.other],
  [pack('etrn', 0), VERB.other],
  [pack('send', 0), VERB.other],
  [pack('saml', 0), VERB.other],
  [pack('soml', 0), VERB.other],
]);

const STARTTLS = /^starttls(?: |$)/i;
const SPACE = 0x20;
const FOUR_LETTERS = /^[A-Za-z]{4}/;

/** The command a line begins with. */
export function verbOf(line: string): Verb {
  if (line.length > 4 && line.charCodeAt(4) !== SPACE) return STARTTLS.test(line) ? VERB.starttls : VERB.unknown;
  const verb = line.length >= 4 ? (BY_LETTERS.get(pack(line, 0)) ?? VERB.unknown) : VERB.unknown;
  // The fold to lower case also maps a few signs onto letters.
  return verb !== VERB.unknown && FOUR_LETTERS.test(line) ? verb : VERB.unknown;
}

const FOREIGN = /^(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PRI) |^Host:/i;

/** A request of HTTP, sent to the wrong port or on purpose. */
export const looksLikeHttp = (line: string): boolean => FOREIGN.test(line);

const NAME = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_.])?|\[[A-Za-z0-9.:]{2,60}\])$/;

/** A host name or address literal (RFC 5321 4.1.3), underscores tolerated. Nothing that could be markup or an escape. */
export const isHeloName = (name: string): boolean => NAME.test(name);
