/** Addresses and parameters of MAIL and RCPT that the grammar does not know, and the order in which they may come. */
import { inOnePacket, type ProbeCase, type Stage } from '../case.js';
import { judgeOneLine, judgeRefusal } from '../judge.js';

type Row = readonly [id: string, bytes: string, reference: string, taken: string, stage?: Stage, when?: string];

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

/** Octets above 0x7f and controls as escapes. */
const show = (bytes: string): string =>
  bytes.replace(/[^\x20-\x7e]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`);

const ADDRESSES: readonly Row[] = [
  ['no-brackets', 'MAIL FROM:probe@sender.invalid', 'RFC 5321 4.1.1.2', 'an address without brackets is taken'],
  ['space-before-bracket', 'MAIL FROM: <>', 'RFC 5321 3.3', 'a space behind the colon is taken'],
  ['double-dot', 'MAIL FROM:<a..b@sender.invalid>', 'RFC 5321 4.1.2', 'an empty atom is taken'],
  ['two-ats', 'MAIL FROM:<a@b@sender.invalid>', 'RFC 5321 4.1.2', 'two @ in one address are taken'],
  ['unquoted-space', 'MAIL FROM:<a b@sender.invalid>', 'RFC 5321 4.1.2', 'a bare space in an address is taken'],
  ['shell-in-sender', 'MAIL FROM:<;echo probe;@sender.invalid>', 'CVE-2020-7247', 'shell characters are taken as an address'],
  ['behind-bracket', 'MAIL FROM:<>garbage', 'RFC 5321 4.1.1.2', 'what stands behind the address is taken or dropped'],
  ['null-recipient', 'RCPT TO:<>', 'RFC 5321 4.1.1.3', 'a recipient without an address is taken', 'mail'],
  ['not-utf8', 'MAIL FROM:<\xff\xfe@sender.invalid>', 'RFC 6531 3.3', 'octets that are no UTF-8 are taken'],
  ['8bit-undeclared', utf8('MAIL FROM:<é@sender.invalid>'), 'RFC 6531 3.4', 'a UTF-8 address is taken without SMTPUTF8'],
];

const PARAMETERS: readonly Row[] = [
  ['unknown-mail-parameter', 'MAIL FROM:<> XPROBE=1', 'RFC 5321 4.1.1.11', 'a parameter nobody offered is ignored'],
  ['repeated-parameter', 'MAIL FROM:<> BODY=7BIT BODY=8BITMIME', 'RFC 5321 4.1.1.11', 'of two values one is believed'],
  ['bad-body', 'MAIL FROM:<> BODY=XPROBE', 'RFC 6152 2', 'a value nobody knows is ignored'],
];

const ORDER: readonly Row[] = [
  ['mail-before-ehlo', 'MAIL FROM:<>', 'RFC 5321 4.1.4', 'mail is taken from a client that said no EHLO', 'banner', 'before EHLO'],
  ['rcpt-before-mail', 'RCPT TO:<postmaster>', 'RFC 5321 4.1.4', 'a recipient is taken without a sender', 'ehlo', 'before MAIL'],
  ['data-before-rcpt', 'DATA', 'RFC 5321 4.1.4', 'a message is asked for without recipients', 'mail', 'before RCPT'],
  ['nested-mail', 'MAIL FROM:<>', 'RFC 5321 4.1.4', 'a second sender is taken within a transaction', 'mail', 'a second time'],
];

const make =
  (group: ProbeCase['group']) =>
  ([id, bytes, reference, taken, stage = 'ehlo', when = '']: Row): ProbeCase => ({
    id,
    group,
    input: `${show(bytes)} ${when}`.trimEnd(),
    reference,
    stage,
    ways: inOnePacket(`${bytes}\r\n`),
    judge: judgeRefusal(taken),
  });

export const envelope: readonly ProbeCase[] = [
  ...ADDRESSES.map(make('envelope')),
  ...PARAMETERS.map(make('envelope')),
  {
    id: 'unknown-rcpt-parameter',
    group: 'envelope',
    input: 'RCPT TO:<...> XPROBE=1',
    reference: 'RFC 5321 4.1.1.11',
    stage: 'mail',
    ways: ({ recipient }) => [[{ send: `RCPT TO:<${recipient || 'postmaster'}> XPROBE=1\r\n` }]],
    judge: judgeRefusal('a parameter nobody offered is ignored'),
  },
  {
    id: 'relay',
    group: 'envelope',
    input: 'RCPT TO:<...@relay.invalid>, and no message',
    reference: 'RFC 5321 7.6',
    stage: 'mail',
    ways: inOnePacket('RCPT TO:<celeris-probe@relay.invalid>\r\n'),
    judge: judgeRefusal('this client may relay here; ask from an address that may not, too'),
  },
  {
    id: 'line-end-in-address',
    group: 'envelope',
    input: 'MAIL FROM:<"a\\rNOOP\\r"@sender.invalid>',
    reference: 'RFC 5321 4.1.2',
    stage: 'ehlo',
    ways: inOnePacket('MAIL FROM:<"a\rNOOP\r"@sender.invalid>\r\n'),
    judge: judgeOneLine('CR inside an address is taken'),
  },
  ...ORDER.map(make('sequence')),
];
