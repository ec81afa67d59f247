/** What the other lines of the list of bad inputs ask of a running daemon: guesses at passwords, lies about the source, crowds, and messages that are bait. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, type Place, plainConf } from '../harness/place.js';

const DOORS = {
  proxied: 'proxy_protocol = true  proxy_protocol_timeout = 1',
  trusting: 'peer 127.0.0.1 { smtp_extensions = ( SIZE XCLIENT XFORWARD ) }',
  crowded: 'connections_per_client = 2  relay_hosts = ( 192.0.2.0/24 )',
  wide: 'pathway = "wide"',
  folding: 'pathway = "folding"',
  single: 'pathway = "single"',
  dated: 'pathway = "dated"',
} as const;
type Door = keyof typeof DOORS;

const PATHWAYS = `pathway_group "here" {
  pathway "wide" { rfc2822_max_line_length_policy = none }
  pathway "folding" { rfc2822_max_line_length_policy = fix }
  pathway "single" { rfc2822_duplicate_headers = reject }
  pathway "dated" { rfc2822_date_header = pedantic }
}
`;
const PASSWORD = 'a long secret';
const ports = new Map<Door, number>();
const clients: RawClient[] = [];
let sink: Sink;
let daemon: Daemon;
let arrivedBefore = 0;

function writeConf(place: Place): string {
  const passwords = path.join(place.dir, 'passwords');
  fs.writeFileSync(passwords, `alice:${PASSWORD}\n`, { mode: 0o600 });
  const logger = `custom_logger "facts" { mainlog = "${place.dir}/facts.cl"  reception_format = "%r@%R|%vctx_mess{mime_anomaly}" }\n`;
  const listener = [
    'ESMTP_Listener {',
    `  authplainparameters = [ uri = "file://${passwords}" ]  authloginparameters = [ uri = "file://${passwords}" ]`,
    ...[...ports].map(([door, port]) => `  Listen "127.0.0.1:${port}" { ${DOORS[door]} }`),
  ];
  const more = `auth_failures_per_client = 8/600\nauth_failures_per_user = 100/600\n${PATHWAYS}${logger}`;
  return plainConf(place, { sinkPort: sink.port, more }).replace('ESMTP_Listener {', listener.join('\n'));
}

beforeAll(async () => {
  sink = await startSink();
  for (const door of Object.keys(DOORS) as Door[]) ports.set(door, await freePort());
  daemon = await startDaemon({ conf: writeConf });
}, 60_000);

afterAll(async () => {
  await daemon?.end();
  await sink.close();
});

beforeEach(() => {
  arrivedBefore = sink.received.length;
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

async function connect(door?: Door, localAddress?: string): Promise<RawClient> {
  const client = await RawClient.connect((door && ports.get(door)) ?? daemon.port, {
    timeoutMs: 15_000,
    ...(localAddress !== undefined && { localAddress }),
  });
  clients.push(client);
  return client;
}

async function greet(door?: Door): Promise<RawClient> {
  const client = await connect(door);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  return client;
}

/** The reply to one whole message, and as it arrived when it was taken. */
async function bring(text: string, door?: Door, to = 'b@one.test'): Promise<{ readonly reply: string; readonly raw: string }> {
  const client = await greet(door);
  const count = sink.received.length;
  const reply = await client.deliver('a@sender.test', [to], text);
  if (reply.code === 250) await sink.waitFor(count + 1);
  return { reply: reply.raw, raw: reply.code === 250 ? (sink.received.at(-1)?.raw.toString('latin1') ?? '') : '' };
}

/** From an address that is told by the PROXY protocol. */
async function greetFrom(ip: string): Promise<RawClient> {
  const client = await connect('proxied');
  client.send(`PROXY TCP4 ${ip} 192.0.2.1 4000 25\r\n`);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  return client;
}

const OK = /^250 2\.0\.0 /;
const plain = (user: string, password: string): string => Buffer.from(`\0${user}\0${password}`).toString('base64');
const bodyOf = (raw: string): string => raw.slice(raw.indexOf('\r\n\r\n') + 4);

it('bad-inputs 15: who talks before the banner is sent away where a pause is on, and nothing he said is done', async () => {
  const more = 'conntrol "door" { pause_time = 2  disconnect_ratware = "554 5.5.0 wait for the banner" }\n';
  await using strict = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port, more }) });
  const early = await RawClient.connect(strict.port);
  early.send('EHLO evil.test\r\nMAIL FROM:<evil@sender.test>\r\n');
  await early.expect(554, /wait for the banner/);
  await early.end();
  expect(early.heard.match(/\r\n/g)).toHaveLength(1);
  const polite = await RawClient.connect(strict.port);
  await polite.expect(220);
});

it('bad-inputs 19: AUTH in clear is for this machine only, bad base64 is 501, and the fourth failure is the end', async () => {
  const far = await greetFrom('203.0.113.9');
  expect(far.heard).not.toContain('AUTH');
  expect((await far.command(`AUTH PLAIN ${plain('alice', PASSWORD)}`)).raw).toMatch(/^538 5\.7\.11 /);
  const near = await greet();
  expect((await near.command('AUTH PLAIN !!!!')).code).toBe(501);
  expect((await near.command('AUTH LOGIN')).code).toBe(334);
  expect((await near.command('no=base64=at=all')).code).toBe(501);
  const unknown = (await near.command(`AUTH PLAIN ${plain('nobody', PASSWORD)}`)).raw;
  expect(unknown).toBe('535 5.7.8 Authentication credentials invalid');
  for (let i = 0; i < 2; i++) expect((await near.command(`AUTH PLAIN ${plain('alice', `wrong ${i}`)}`)).raw).toBe(unknown);
  expect((await near.command(`AUTH PLAIN ${plain('alice', 'wrong 3')}`)).code).toBe(421);
  await near.end();
});

it('bad-inputs 19: failures of an address count over sessions; then the right password is not looked at either', async () => {
  const answers: string[] = [];
  // Of several workers each has its share of the limit, and connections come to one or the other.
  for (let i = 0; i < 30; i++) {
    const client = await greet();
    answers.push((await client.command(`AUTH PLAIN ${plain(`user${i}`, 'wrong')}`)).raw.slice(0, 9));
  }
  // Four have failed already, in the test before.
  expect(answers.filter((answer) => answer === '535 5.7.8').length).toBeLessThanOrEqual(4);
  expect(answers.slice(-15)).toEqual(Array(15).fill('454 4.7.0'));
  const right = await greet();
  expect((await right.command(`AUTH PLAIN ${plain('alice', PASSWORD)}`)).raw).toMatch(/^454 4\.7\.0 Too many failed logins/);
});

it.each(['XCLIENT ADDR=192.0.2.1', 'XFORWARD ADDR=192.0.2.1', 'XREMOTEIP 192.0.2.1', 'XSETCONTEXT can_relay=true', 'XDUMPCONTEXT'])(
  'bad-inputs 21: %s of somebody nobody named is 550 and the end',
  async (line) => {
    const client = await greet();
    expect((await client.command(line)).raw).toMatch(/^550 5\.7\.0 /);
    await client.end();
    if (!/^X(?:CLIENT|FORWARD)/.test(line)) return;
    const trusted = await greet('trusting');
    expect((await trusted.command(line)).code).toBe(line.startsWith('XCLIENT') ? 220 : 250);
  },
);

it('bad-inputs 21: a PROXY header nobody asked for, one too long, none in time: closed', async () => {
  const unasked = await connect();
  await unasked.expect(220);
  unasked.send('PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n');
  await unasked.end();
  for (const header of [
    `PROXY TCP4 192.0.2.1 192.0.2.2 1 ${'2'.repeat(90)}\r\n`,
    `PROXY ${'x'.repeat(200)}`,
    Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a21110fa0', 'hex'), Buffer.alloc(4000)]),
    'EHLO client.test\r\n',
  ]) {
    const client = await connect('proxied');
    client.send(header);
    await client.end();
    expect(client.heard).toBe('');
  }
  const began = performance.now();
  const silent = await connect('proxied');
  await silent.end();
  expect(silent.heard).toBe('');
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(performance.now() - began).toBeLessThan(8000);
});

it('bad-inputs 23: connections of one address above the limit get 421, those of another do not', async () => {
  const first = await greet('crowded');
  await greet('crowded');
  const third = await connect('crowded');
  expect((await third.reply()).raw).toBe('421 4.4.5 Service unavailable, concurrency limit reached');
  await third.end();
  await (await connect('crowded', '127.0.0.2')).expect(220);
  await first.command('QUIT', 221);
  await first.end();
  await daemon.waitFor('a place', async () => (await (await connect('crowded')).reply()).code === 220);
});

it('bad-inputs 25: lines above 998 octets are refused, let pass or folded and re-encoded, never cut', async () => {
  const long = 'x'.repeat(999);
  const message = `Subject: ${'word '.repeat(250)}\r\n\r\n${long}\r\n`;
  expect((await bring(`Subject: x\r\n\r\n${long}\r\n`)).reply).toBe('550 5.6.0 Body line too long');
  expect((await bring(`Subject: ${'word '.repeat(250)}\r\n\r\nx\r\n`)).reply).toBe('550 5.6.0 Header line too long');
  expect((await bring(`Subject: x\r\n\r\n${long.slice(1)}\r\n`)).reply).toMatch(OK);
  expect(bodyOf((await bring(message, 'wide')).raw)).toBe(`${long}\r\n`);
  const { raw } = await bring(message, 'folding');
  expect(Math.max(...raw.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(998);
  expect(raw).toMatch(/^Content-Transfer-Encoding: quoted-printable\r$/m);
  expect(bodyOf(raw).replaceAll('=\r\n', '')).toBe(`${long}\r\n`);
});

it('bad-inputs 29: what is missing is added or refused, two From fields are refused where policy says so', async () => {
  const { raw } = await bring('Subject: x\r\n\r\nx\r\n');
  expect(raw).toMatch(/^Date: /m);
  expect(raw).toMatch(/^Message-ID: </m);
  expect((await bring('Subject: x\r\n\r\nx\r\n', 'dated')).reply).toBe('550 5.6.0 Missing required RFC2822 Date field');
  const double = 'From: a@sender.test\r\nX: y\r\nfrom: evil@sender.test\r\n\r\nx\r\n';
  expect((await bring(double, 'single')).reply).toMatch(/^550 5\.6\.0 /);
  expect((await bring(double)).reply).toMatch(OK);
});

it.each([
  ['depth', `${nest(110)}`],
  ['parts', `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(1100)}--b--\r\n`],
  ['boundary', `Content-Type: multipart/mixed; boundary=${'b'.repeat(300)}\r\n ${'c'.repeat(900)}\r\n ${'c'.repeat(900)}\r\n\r\nx\r\n`],
  ['quotes', 'Content-Type: multipart/mixed; boundary="b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n'],
])('bad-inputs 30: a structure with too much %s is marked and passed on octet by octet', async (what, text) => {
  const { reply, raw } = await bring(`Subject: odd\r\nDate: x\r\nMessage-ID: <x@y>\r\n${text}`, undefined, `${what}@one.test`);
  expect(reply).toMatch(OK);
  expect(raw.endsWith(text)).toBe(true);
  const line = await daemon.waitFor('a line of it', () => daemon.fileLines('facts.cl').find((one) => one.startsWith(`${what}@`)));
  expect(line.split('|').at(-1)).toContain(what);
});

it('bad-inputs 31: ten megabytes of header bait and of MIME bait take nobody else his answers', async () => {
  const other = await greet();
  let longestMs = 0;
  let stopped = false;
  const watch = (async () => {
    while (!stopped) {
      const began = performance.now();
      await other.command('RSET', 250);
      longestMs = Math.max(longestMs, performance.now() - began);
      await new Promise((done) => setTimeout(done, 100));
    }
  })();
  try {
    const client = await connect();
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    expect(
      (await client.deliver('a@sender.test', ['b@one.test'], `${'word: soup (of "many\r\n\tfolds; '.repeat(320_000)}\r\n\r\n`)).raw,
    ).toBe('552 5.3.4 header size limit exceeded');
    const bait = `Content-Type: multipart/mixed; boundary="--"\r\n\r\n${'----\r\nContent-Type: multipart/x; boundary="(((\r\n'.repeat(180_000)}`;
    expect((await bring(bait)).reply).toMatch(OK);
  } finally {
    stopped = true;
    await watch;
  }
  expect(longestMs).toBeLessThan(2000);
  expect(sink.received.length).toBe(arrivedBefore + 1);
});

it('bad-inputs 19: no password stands in any log', () => {
  const logs = ['mainlog.ec', 'rejectlog.ec', 'paniclog.ec', 'acctlog.ec'].flatMap((log) => daemon.fileLines(log));
  const texts = [...logs, ...daemon.lines].join('\n');
  expect(texts).toContain('E=535');
  for (const secret of [PASSWORD, plain('alice', PASSWORD), plain('nobody', PASSWORD)]) expect(texts).not.toContain(secret);
});

/** Multiparts, one inside the other. */
function nest(depth: number): string {
  let text = '';
  for (let i = 0; i < depth; i++) text += `${i === 0 ? '' : `--b${i - 1}\r\n`}Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n`;
  return `${text}--b${depth - 1}\r\n\r\nx\r\n--b${depth - 1}--\r\n`;
}
