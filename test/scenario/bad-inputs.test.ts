/** What strangers send to break in, to one running daemon over its sockets: every reply to the letter, and nothing delivered that was not taken. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseReply } from '../../src/tools/sink/rule.js';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, type Place, plainConf } from '../harness/place.js';

/** Listeners whose limits are short, so that nobody waits for minutes. */
const DOORS = {
  small: 'max_message_size = 10000',
  errors: 'soft_errors = 1  hard_errors = 2',
  junk: 'junk_commands = 3  hard_errors = 2',
  crowd: 'max_recipients_per_message = 2',
  slow: 'data_timeout = 1  idle_time = 60',
  silent: 'idle_time = 1',
  mending: 'pathway = "mending"',
  strict: 'starttls_injection_policy = "reject"',
  plain: 'smtp_extensions = ( SIZE )',
  careless: 'require_ehlo = false',
} as const;
type Door = keyof typeof DOORS;

const MENDING = 'pathway_group "here" { pathway "mending" { rfc2822_lone_lf_in_body = "fix"  rfc2822_lone_lf_in_headers = "fix" } }\n';

const PASSWORD = 'a long secret';
const ports = new Map<Door, number>();
const clients: RawClient[] = [];
let sink: Sink;
let daemon: Daemon;
let before = { received: 0, messages: 0 };
/** Recipients of what this test may deliver. */
let expected: string[] = [];

function writeConf(place: Place): string {
  const [key, certificate, passwords] = ['mx.key', 'mx.crt', 'passwords'].map((name) => path.join(place.dir, name)) as [
    string,
    string,
    string,
  ];
  const how = ['-subj', '/CN=mta.celeris.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  fs.writeFileSync(passwords, `alice:${PASSWORD}\n`, { mode: 0o600 });
  const doors = [...ports].map(([door, port]) => `  Listen "127.0.0.1:${port}" { ${DOORS[door]} }`);
  const listener = [
    'ESMTP_Listener {',
    `  tls_certificate = "${certificate}"  tls_key = "${key}"`,
    `  authplainparameters = [ uri = "file://${passwords}" ]`,
    ...doors,
  ];
  return plainConf(place, { sinkPort: sink.port, more: MENDING }).replace('ESMTP_Listener {', listener.join('\n'));
}

beforeAll(async () => {
  sink = await startSink({ rules: [{ phase: 'rcpt', match: /@refused\.test$/, reply: parseReply('550 5.1.1 no such user') }] });
  for (const door of Object.keys(DOORS) as Door[]) ports.set(door, await freePort());
  daemon = await startDaemon({ conf: writeConf });
}, 60_000);

afterAll(async () => {
  await daemon.end();
  await sink.close();
});

interface Totals {
  readonly received: number;
  readonly queued: number;
}
const totals = async (): Promise<Totals> => (await daemon.consoleJson('summary')) as Totals;

beforeEach(async () => {
  before = { received: (await totals()).received, messages: sink.received.length };
  expected = [];
});

// Whatever was taken has arrived, and nothing else came in by any door.
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await daemon.waitFor('an empty queue', async () => (await totals()).queued === 0, 30_000);
  const arrived = sink.received.slice(before.messages);
  expect(arrived.flatMap(({ to }) => to).sort()).toEqual([...expected].sort());
  expect(arrived.some(({ from }) => from.includes('evil'))).toBe(false);
});

async function dial(door?: Door): Promise<RawClient> {
  const client = await RawClient.connect((door && ports.get(door)) ?? daemon.port, { timeoutMs: 15_000 });
  clients.push(client);
  await client.expect(220);
  return client;
}

async function greet(door?: Door): Promise<RawClient> {
  const client = await dial(door);
  await client.command('EHLO client.test', 250);
  return client;
}

/** Up to and with RCPT; the recipient is not counted as delivered. */
async function begin(to = 'split@one.test', door?: Door): Promise<RawClient> {
  const client = await greet(door);
  await client.command('MAIL FROM:<a@sender.test>', 250);
  await client.command(`RCPT TO:<${to}>`, 250);
  return client;
}

async function openData(to?: string, door?: Door): Promise<RawClient> {
  const client = await begin(to, door);
  await client.command('DATA', 354);
  return client;
}

const say = async (client: RawClient, bytes: string): Promise<string> => {
  client.send(bytes);
  return (await client.reply()).raw;
};

/** The octets of a text in UTF-8, as the client sends them. */
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

/** A further message on a connection that has to be usable still. */
async function bringGoodMail(client: RawClient, to: string): Promise<void> {
  expected.push(to);
  expect((await client.deliver('a@sender.test', [to], 'Subject: good\r\n\r\ntext\r\n')).code).toBe(250);
}

const OK = /^250 2\.0\.0 /;
const NOOP = '250 2.0.0 OK';
const LONE = '550 5.6.0 Lone CR or LF in body';
const WAIT = '503 5.5.0 command sent before the reply it has to wait for';
const LONG = '500 5.5.2 command line too long';
const SMUGGLED = 'MAIL FROM:<evil@sender.test>\r\nRCPT TO:<smuggled@one.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil\r\n';

const TEN_FORMS = ['\n.\n', '\n.\r', '\n.\r\n', '\r.\n', '\r.\r', '\r.\r\n', '\r\n.\n', '\r\n.\r', '\r\n.\r\r\n', '\r\r\n.\r\r\n'];

it.each(TEN_FORMS)('bad-inputs 1: %j ends no message, in one packet or three, and what follows is never a command', async (form) => {
  for (const pieces of [[`body${form}${SMUGGLED}`], ['body', form, SMUGGLED]]) {
    const client = await openData();
    client.send('Subject: x\r\n\r\n');
    for (const piece of pieces) client.send(piece);
    client.send(`.\r\n${SMUGGLED}.\r\n`);
    expect((await client.reply()).raw).toBe(LONE);
    await client.end();
    expect(client.heard.split('\r\n').slice(-2)).toEqual([LONE, '']);
  }
});

it('bad-inputs 1: where line ends are mended, the ten forms still arrive as one message', async () => {
  for (const form of TEN_FORMS) {
    const client = await openData('mended@one.test', 'mending');
    expected.push('mended@one.test');
    expect(await say(client, `Subject: x\r\n\r\nbody${form}${SMUGGLED}\r\n.\r\n`)).toMatch(OK);
  }
  await sink.waitFor(before.messages + TEN_FORMS.length);
  for (const { raw } of sink.received.slice(before.messages)) {
    expect(raw.toString('latin1')).toContain('\r\nMAIL FROM:<evil@sender.test>\r\n');
    expect(raw.toString('latin1')).not.toMatch(/[^\r]\n|\r[^\n]/);
  }
});

it('bad-inputs 2: a bare LF in a command is an error, and nothing of the line is done', async () => {
  const client = await greet();
  expect(await say(client, 'MAIL FROM:<evil@sender.test>\n')).toBe('500 5.5.2 command line must end with CR LF');
  expect(await say(client, 'RCPT TO:<x@one.test>\r\n')).toBe('503 RCPT TO without MAIL FROM');
  expect(await say(client, 'NOOP\rRSET\r\n')).toBe('501 5.5.2 control character in command');
  await bringGoodMail(client, 'lf@one.test');
});

it('bad-inputs 3: long command lines get 500 and their rest is dropped; AUTH may be longer; no line end in 64 KiB is the end', async () => {
  const client = await greet();
  expect(await say(client, `NOOP ${'x'.repeat(2041)}\r\n`)).toBe(NOOP);
  expect(await say(client, `NOOP ${'x'.repeat(2044)}\r\n`)).toBe(LONG);
  client.send(`MAIL FROM:<${'x'.repeat(5000)}`);
  expect(await say(client, `${'x'.repeat(5000)}@evil.test>\r\n`)).toBe(LONG);
  expect(await say(client, `AUTH PLAIN ${Buffer.from(`\0alice\0${'x'.repeat(4000)}`).toString('base64')}\r\n`)).toMatch(/^535 5\.7\.8 /);
  expect(await say(client, `AUTH PLAIN ${'A'.repeat(13_000)}\r\n`)).toBe(LONG);
  await bringGoodMail(client, 'long@one.test');
  expect(await say(client, 'x'.repeat(70_000))).toBe('421 4.7.0 input exceeds all limits');
  await client.end();
});

it('bad-inputs 4: NUL and control characters in a command are 501', async () => {
  const client = await greet();
  for (const line of ['MAIL FROM:<evil\0@sender.test>', 'NO\x01OP', 'MAIL FROM:<evil@sender.test>\t', 'EHLO x\x1b[2J', 'NOOP \x7f'])
    expect(await say(client, `${line}\r\n`)).toBe('501 5.5.2 control character in command');
  await bringGoodMail(client, 'control@one.test');
});

it('bad-inputs 5: octets that are no UTF-8 are 501, UTF-8 without SMTPUTF8 is 553', async () => {
  const client = await greet();
  expect(await say(client, 'MAIL FROM:<evil\xff@sender.test> SMTPUTF8\r\n')).toBe('501 5.1.7 sender address is not valid UTF-8');
  expect(await say(client, utf8('MAIL FROM:<évil@sender.test>\r\n'))).toBe('553 5.6.7 non-ASCII address without SMTPUTF8');
  await client.command('MAIL FROM:<a@sender.test>', 250);
  expect(await say(client, 'RCPT TO:<\xc3\x28@one.test>\r\n')).toBe('501 5.1.3 recipient address is not valid UTF-8');
  expect(await say(client, utf8('RCPT TO:<ü@one.test>\r\n'))).toBe('553 5.6.7 non-ASCII address without SMTPUTF8');
});

it('bad-inputs 6: parameters nobody offered are 555', async () => {
  const client = await greet();
  for (const more of ['FOO=1', 'HOLDFOR=1', 'X'])
    expect(await say(client, `MAIL FROM:<evil@sender.test> ${more}\r\n`)).toBe('555 5.5.4 unsupported parameter');
  await client.command('MAIL FROM:<a@sender.test>', 250);
  for (const more of ['FOO=1', 'SIZE=1', 'AUTH=<>'])
    expect(await say(client, `RCPT TO:<x@one.test> ${more}\r\n`)).toBe('555 5.5.4 unsupported parameter');
});

it('bad-inputs 7: SIZE is digits, and above the limit it is 552 at MAIL', async () => {
  const client = await greet('small');
  for (const size of ['10x', '-1', '', '0x10'])
    expect(await say(client, `MAIL FROM:<evil@sender.test> SIZE=${size}\r\n`)).toBe('501 5.5.4 invalid parameter');
  expect(await say(client, 'MAIL FROM:<evil@sender.test> SIZE=10001\r\n')).toBe('552 5.3.4 message size limit exceeded');
  await client.command('MAIL FROM:<a@sender.test> SIZE=10000', 250);
});

it('bad-inputs 8: what grows too large while it comes is read to its end and refused; above twice the limit the connection ends', async () => {
  const client = await openData('large@one.test', 'small');
  expect(await say(client, `Subject: x\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(150)}.\r\n`)).toBe('552 5.3.4 message size limit exceeded');
  await bringGoodMail(client, 'behind@one.test');
  const endless = await openData('large@one.test', 'small');
  expect(await say(endless, `Subject: x\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(400)}`)).toBe('552 5.3.4 message size limit exceeded');
  await endless.end();
});

it('bad-inputs 9: commands out of order have words of their own', async () => {
  const client = await greet();
  expect(await say(client, 'RCPT TO:<x@one.test>\r\n')).toBe('503 RCPT TO without MAIL FROM');
  expect(await say(client, 'DATA\r\n')).toBe('503 5.5.1 DATA without MAIL FROM');
  await client.command('MAIL FROM:<a@sender.test>', 250);
  expect(await say(client, 'MAIL FROM:<evil@sender.test>\r\n')).toBe('501 5.5.1 MAIL FROM already established');
  expect(await say(client, 'DATA\r\n')).toBe('503 5.5.1 DATA without RCPT TO');
  await client.command('RSET', 250);
  await bringGoodMail(client, 'order@one.test');
});

it('bad-inputs 10: MAIL before EHLO is refused, unless require_ehlo says otherwise', async () => {
  const client = await dial();
  for (const line of ['MAIL FROM:<evil@sender.test>', 'RCPT TO:<x@one.test>', 'DATA'])
    expect(await say(client, `${line}\r\n`)).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
  await bringGoodMail(await dial('careless'), 'nohelo@one.test');
});

it('bad-inputs 11: errors slow the answers down, then end the session', async () => {
  const client = await greet('errors');
  const began = performance.now();
  expect(await say(client, 'FOO\r\n')).toBe('500 5.5.2 unrecognized command');
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(await say(client, 'FOO\r\n')).toBe('421 4.7.0 too many errors');
  await client.end();
});

it('bad-inputs 12: NOOP, RSET and VRFY without end are slowed down, then end the session', async () => {
  const client = await greet('junk');
  client.send('NOOP\r\nRSET\r\nVRFY x\r\nNOOP\r\nNOOP\r\nMAIL FROM:<evil@sender.test>\r\n');
  const heard: string[] = [];
  for (let line = await client.readLine(); line !== undefined; line = await client.readLine()) heard.push(line);
  expect(heard).toEqual([
    NOOP,
    '250 2.0.0 Reset OK',
    '252 2.5.2 send some mail, we will try to deliver it',
    NOOP,
    '421 4.7.0 too many errors',
  ]);
});

it('bad-inputs 13: recipients over the limit get 452, the others their mail', async () => {
  const client = await begin('first@one.test', 'crowd');
  await client.command('RCPT TO:<second@one.test>', 250);
  for (let n = 0; n < 3; n++)
    expect(await say(client, `RCPT TO:<extra${n}@one.test>\r\n`)).toBe(
      '452 4.5.3 Service unavailable, recipients per message limit reached',
    );
  await client.command('DATA', 354);
  expected.push('first@one.test', 'second@one.test');
  expect(await say(client, 'Subject: x\r\n\r\nx\r\n.\r\n')).toMatch(OK);
});

it.each(['GET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\n', 'POST / HTTP/1.0\r\n', 'CONNECT evil.test:25 HTTP/1.1\n'])(
  'bad-inputs 14: %j is told once that this is SMTP, and nothing of it comes back',
  async (text) => {
    const client = await dial();
    const greeting = client.heard;
    client.send(`${text}${SMUGGLED}.\r\n`);
    await client.end();
    expect(client.heard.slice(greeting.length)).toBe('421 4.7.0 this is an SMTP service\r\n');
  },
);

it('bad-inputs 14: a TLS ClientHello on the plain port is closed without a word', async () => {
  const client = await dial();
  const greeting = client.heard;
  client.send(Buffer.from('16030100c8010000c40303', 'hex'));
  await client.end();
  expect(client.heard).toBe(greeting);
});

it.each(['EHLO client.test', 'HELO client.test'])(
  'bad-inputs 16: what comes in one packet behind %s is refused, and closed',
  async (line) => {
    const client = await dial();
    expect(await say(client, `${line}\r\n${SMUGGLED}.\r\n`)).toBe(WAIT);
    await client.end();
  },
);

it.each(['DATA', 'AUTH PLAIN', 'AUTH LOGIN'])('bad-inputs 16: what comes in one packet behind %s is refused, and closed', async (line) => {
  const client = line === 'DATA' ? await begin('pipelined@one.test') : await greet();
  expect(await say(client, `${line}\r\n${SMUGGLED}.\r\n`)).toBe(WAIT);
  await client.end();
});

it('bad-inputs 17: bytes in the packet of STARTTLS are thrown away and logged, or end the session where policy says so', async () => {
  const client = await greet();
  client.send(`STARTTLS\r\nEHLO evil.test\r\n${SMUGGLED}.\r\n`);
  await client.expect(220);
  await client.startTls();
  expect(await say(client, 'MAIL FROM:<evil@sender.test>\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
  await client.command('EHLO client.test', 250);
  await bringGoodMail(client, 'secure@one.test');
  await daemon.waitFor('a word in the log', () => daemon.lines.some((line) => line.includes('starttls_injection from 127.0.0.1')));
  const strict = await greet('strict');
  expect(await say(strict, `STARTTLS\r\nEHLO evil.test\r\n`)).toBe(WAIT);
  await strict.end();
});

it('bad-inputs 18: STARTTLS takes no parameter, no second time, and forgets the EHLO before it', async () => {
  const client = await greet();
  expect(await say(client, 'STARTTLS now\r\n')).toBe('501 5.5.4 Syntax error (no parameters allowed)');
  await client.command('MAIL FROM:<evil@sender.test>', 250);
  await client.command('STARTTLS', 220);
  await client.startTls();
  expect(await say(client, 'RCPT TO:<x@one.test>\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
  expect((await client.command('EHLO client.test', 250)).texts).not.toContain('STARTTLS');
  expect(await say(client, 'STARTTLS\r\n')).toBe('503 5.5.1 bad sequence of commands');
  await bringGoodMail(client, 'again@one.test');
});

it('bad-inputs 20: BDAT does not mix with DATA, drains what it refuses, and finds its feet after a wrong count', async () => {
  const mixed = await begin('mixed@one.test');
  expect(await say(mixed, 'BDAT 9\r\nSubject: ')).toBe('250 2.0.0 chunk accepted');
  expect(await say(mixed, 'DATA\r\n')).toBe('503 5.5.1 bad sequence of commands');
  expect(await say(mixed, 'RCPT TO:<x@one.test>\r\n')).toBe('503 5.5.1 bad sequence of commands');
  expected.push('mixed@one.test');
  expect(await say(mixed, 'BDAT 5\r\nx\r\n\r\n')).toBe('250 2.0.0 chunk accepted');
  expect(await say(mixed, 'BDAT 0 LAST\r\n')).toMatch(OK);

  const early = await greet();
  expect(await say(early, `BDAT ${SMUGGLED.length} LAST\r\n${SMUGGLED}`)).toBe('503 5.5.1 DATA without MAIL FROM');
  await bringGoodMail(early, 'drained@one.test');

  const large = await begin('large@one.test', 'small');
  expect(await say(large, `BDAT 10001\r\n${'x'.repeat(10_001)}`)).toBe('552 5.3.4 message size limit exceeded');
  expect(await say(large, 'BDAT 6 LAST\r\nQUIT\r\n')).toBe('503 5.5.1 bad sequence of commands');
  await large.command('RSET', 250);
  await bringGoodMail(large, 'reset@one.test');

  const short = await begin('short@one.test');
  short.send('BDAT 14 LAST\r\nSubject: x\r\n\r\nsurplus\r\n');
  expected.push('short@one.test');
  expect((await short.reply()).raw).toMatch(OK);
  expect((await short.reply()).raw).toBe('500 5.5.2 unrecognized command');
  await bringGoodMail(short, 'next@one.test');

  const wrong = await begin('wrong@one.test');
  expect(await say(wrong, `BDAT x\r\n${SMUGGLED}.\r\n`)).toBe('501 5.5.4 invalid arguments to BDAT');
  await wrong.end();

  const unoffered = await begin('unoffered@one.test', 'plain');
  expect(await say(unoffered, `BDAT ${SMUGGLED.length} LAST\r\n${SMUGGLED}`)).toBe('502 5.5.1 command not implemented');
});

it('bad-inputs 22: a message that drips in has data_timeout in all, a silent client idle_time', async () => {
  const slow = await openData('slow@one.test', 'slow');
  slow.send('Subject: x\r\n\r\n');
  const drip = setInterval(() => slow.send('x'), 50);
  try {
    expect((await slow.reply()).raw).toBe('421 4.4.2 timed out reading the message');
  } finally {
    clearInterval(drip);
  }
  await slow.end();
  const silent = await greet('silent');
  expect((await silent.reply()).raw).toBe('421 4.4.2 timed out waiting for input');
  await silent.end();
});

it('bad-inputs 24: EHLO with markup or escapes is 501, and comes to no log as it was', async () => {
  const client = await dial();
  for (const name of ['<script>alert(1)</script>', 'a b', '$(id)', '`id`', "x'--", '', '[::1', 'x\\ny'])
    expect(await say(client, `EHLO ${name}\r\n`)).toBe('501 5.5.2 invalid EHLO');
  expect(await say(client, 'EHLO evil\x1b[31m\r\n')).toBe('501 5.5.2 control character in command');
  expect(await say(client, 'MAIL FROM:<evil@sender.test>\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
  await daemon.waitFor('a line in the reject log', () => daemon.fileLines('rejectlog.ec').some((line) => line.includes('invalid EHLO')));
  for (const log of ['mainlog.ec', 'rejectlog.ec', 'paniclog.ec'])
    expect(daemon.fileLines(log).join('\n')).not.toMatch(/[\x00-\x08\x0b-\x1f]/);
});

it('bad-inputs 26: header blocks above 256 KiB or 2,000 lines are 552', async () => {
  const client = await openData('wide@one.test');
  expect(await say(client, `${`X-Wide: ${'x'.repeat(900)}\r\n`.repeat(300)}\r\nx\r\n.\r\n`)).toBe('552 5.3.4 header size limit exceeded');
  await client.command('MAIL FROM:<a@sender.test>', 250);
  await client.command('RCPT TO:<long@one.test>', 250);
  await client.command('DATA', 354);
  expect(await say(client, `${'X: y\r\n'.repeat(2001)}\r\nx\r\n.\r\n`)).toBe('552 5.3.4 header size limit exceeded');
  await bringGoodMail(client, 'narrow@one.test');
});

it('bad-inputs 27: more than 50 Received fields, or our own name in more than three, are a loop', async () => {
  const LOOP = '554 5.4.6 too many hops, mail loop suspected';
  const own = 'Received: from [192.0.2.1] ([192.0.2.1:5] helo=x)\r\n\tby mta.celeris.test (envelope-from <a@b>)\r\n\tid 1; date\r\n';
  for (const [trace, answer] of [
    ['Received: x\r\n'.repeat(51), LOOP],
    [own.repeat(4), LOOP],
    ['Received: x\r\n'.repeat(50), undefined],
    [own.repeat(3), undefined],
  ] as const) {
    const client = await openData('hops@one.test');
    const reply = await say(client, `${trace}Subject: x\r\n\r\nx\r\n.\r\n`);
    if (answer === undefined) {
      expected.push('hops@one.test');
      expect(reply).toMatch(OK);
    } else expect(reply).toBe(answer);
  }
});

it('bad-inputs 28: NUL in a message is refused, or replaced where line ends are mended', async () => {
  const client = await openData('nul@one.test');
  expect(await say(client, 'Subject: x\r\n\r\na\0b\r\n.\r\n')).toBe('550 5.6.0 NUL in message');
  const mended = await openData('nul@one.test', 'mending');
  expected.push('nul@one.test');
  expect(await say(mended, 'Subject: x\r\n\r\na\0b\r\n.\r\n')).toMatch(OK);
  await sink.waitFor(before.messages + 1);
  expect(sink.received.at(-1)?.raw.toString('latin1')).toContain('\r\n\r\na b\r\n');
});

it('bad-inputs 32: a message without header block, or with "From " before it, arrives with our own fields, an empty line and all its text', async () => {
  const texts = ['just text\r\nmore\r\n', '\r\nbehind an empty line\r\n', 'From a@b Thu Jan 1 00:00:00 1970\r\nSubject: x\r\n\r\ntext\r\n'];
  for (const text of texts) {
    const client = await openData('bare@one.test');
    expected.push('bare@one.test');
    expect(await say(client, `${text}.\r\n`)).toMatch(OK);
    await sink.waitFor(before.messages + expected.length);
    const raw = sink.received.at(-1)?.raw.toString('latin1') ?? '';
    expect(raw).toMatch(/^Return-Path: <a@sender\.test>\r\nReceived: /);
    // Where the message begins with an empty line, that line ends our fields.
    expect(raw.endsWith(`\r\n\r\n${text.replace(/^\r\n/, '')}`), raw).toBe(true);
  }
});

it('bad-inputs 33: a notice nobody takes ends there, and mail without a sender causes none', async () => {
  const client = await greet();
  const failed = async (): Promise<number> => ((await daemon.consoleJson('summary')) as { failed: number }).failed;
  const start = await failed();
  await client.deliver('', ['nobody@refused.test'], 'Subject: x\r\n\r\nx\r\n');
  await client.deliver('nobody@refused.test', ['nobody@refused.test'], 'Subject: x\r\n\r\nx\r\n');
  // Two messages, and the notice about the second.
  await daemon.waitFor('three ends', async () => (await failed()) === start + 3, 30_000);
  expected.push('alice@one.test');
  await client.deliver('alice@one.test', ['nobody@refused.test'], 'Subject: x\r\n\r\nx\r\n');
  await sink.waitFor(before.messages + 1);
  expect(sink.received.at(-1)).toMatchObject({ from: '', to: ['alice@one.test'] });
});
