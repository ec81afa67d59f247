/** Logs in formats of one's own, by the real daemon: every kind of event, servers with and without TLS, any character set. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { Authority, type Identity } from '../tls/authority.js';

const TLS =
  '%outbound_tls@%outbound_tls_type@%local_ip@%outbound_local_ip@%outbound_tls_protocol@%outbound_tls_cipher@%outbound_tls_cipher_algbits@%outbound_tls_cipher_usebits@%outbound_tls_verified@%outbound_tls_issuer@%outbound_tls_subject';

const routes = (ports: Readonly<Record<string, number>>): string =>
  Object.entries(ports)
    .map(([domain, port]) => `static_routes "${domain}" {\n  target = "127.0.0.1:${port}"\n  domains = ( "${domain}" )\n}\n`)
    .join('');

const logger = (place: Place): string => `custom_logger "all" {
  mainlog = "${place.dir}/custom.cl"
  namespace = "custom_logger,sieve,outbound_tls"
  sanitize = "special_characters"
  reception_format = "R|%r@%R|%m@%M|%p|%H|%h{Subject}|%vctx_mess{icu_error}|%outbound_tls|%outbound_tls_type"
  delivery_format = "D|%r@%R|%d|%MX|%H|%s|%n|${TLS}"
  transient_failure_format = "T|%r@%R|%N|%S|%C|%c|%n|%outbound_tls"
  permanent_failure_format = "P|%r@%R|%S|%C|%n|%outbound_tls|%outbound_tls_type"
  rejection_format = "X|%p|%i|%BI|%r@%R|%m@%M|%H|%S|%n"
}
`;

const lines = (daemon: Daemon, letter: string): string[] => daemon.fileLines('custom.cl').filter((line) => line.startsWith(`${letter}|`));
const waitForLines = (daemon: Daemon, letter: string, count: number): Promise<string[]> =>
  daemon.waitFor(`${count} ${letter} lines`, () => lines(daemon, letter).length >= count && lines(daemon, letter));

async function send(daemon: Daemon, to: string, message = 'Subject: x\r\n\r\ntext\r\n'): Promise<void> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  expect((await client.deliver('alice@sender.test', [to], message)).code).toBe(250);
  await client.command('QUIT', 221);
}

needs('openssl')('custom_logger', () => {
  const authority = new Authority();
  const stranger = new Authority();
  afterAll(() => {
    authority.end();
    stranger.end();
  });
  const serve = (identity: Identity): Promise<Sink> =>
    startSink({ tls: { key: fs.readFileSync(identity.key), cert: fs.readFileSync(identity.chain) } });

  /** What openssl says of a server: version and cipher. */
  const judge = async (port: number): Promise<readonly [string, string]> => {
    const words = ['s_client', '-connect', `127.0.0.1:${port}`, '-starttls', 'smtp', '-servername', 'good.test'];
    const asking = promisify(execFile)('openssl', words, { timeout: 10_000 });
    asking.child.stdin?.end('QUIT\r\n');
    const { stdout } = await asking;
    const found = /New, (\S+), Cipher is (\S+)/.exec(stdout);
    return [found?.[1] ?? '', found?.[2] ?? ''];
  };

  it('writes deliveries to three servers with what TLS came to, as openssl sees it', async () => {
    await using plain = await startSink();
    await using good = await serve(authority.issue('good.test'));
    await using odd = await serve(stranger.issue('odd.test'));
    await using daemon = await startDaemon({
      conf: (place) =>
        `${plainConf(place)}tls = ifavailable\ntls_ca = "${authority.root.cert}"\ntls_macros { }\n${logger(place)}${routes({ 'plain.test': plain.port, 'good.test': good.port, 'odd.test': odd.port })}`,
    });
    // The second one goes over the connection of the first.
    for (const to of ['a@plain.test', 'b@good.test', 'c@good.test', 'd@odd.test']) await send(daemon, to);
    const written = (await waitForLines(daemon, 'D', 4)).sort();
    const [protocol, cipher] = await judge(good.port);
    const bits = /AES_?256/.test(cipher) ? 256 : 128;
    const tls = (verified: string, issuer: string, subject: string): string =>
      `TLS@ifavailable@127.0.0.1@127.0.0.1@${protocol}@${cipher}@${bits}@${bits}@${verified}@${issuer}@${subject}`;
    const head = (to: string, domain: string): string => `D|${to}@${domain}|${domain}|${domain}|127.0.0.1|reading confirmation|`;
    expect(written.map((line) => line.replace(/(\|reading confirmation\|).*\|/, '$1'))).toEqual([
      `${head('a', 'plain.test')}SMTP@ifavailable@127.0.0.1@127.0.0.1@@@@@@@`,
      `${head('b', 'good.test')}${tls('verified', 'Test Root', 'good.test')}`,
      `${head('c', 'good.test')}${tls('verified', 'Test Root', 'good.test')}`,
      `${head('d', 'odd.test')}${tls('unverified', 'Test Root', 'odd.test')}`,
    ]);
    for (const line of written) expect(line).toMatch(/\|250 /);
    expect(good.connections).toBeLessThanOrEqual(3);
    expect(lines(daemon, 'R')).toHaveLength(4);
    expect(lines(daemon, 'R')[0]).toBe('R|a@plain.test|alice@sender.test|esmtp|127.0.0.1|x|||ifavailable');
    expect(await daemon.console('custom_logger:all status')).toMatch(/custom\.cl/);
  });

  it('writes failures of both kinds, a handshake that fails among them', async () => {
    await using later = await startSink({ rules: [parseSaying('rcpt=451 4.7.1 later')] });
    await using never = await startSink({ rules: [parseSaying('rcpt=550 5.1.1 no such user')] });
    await using odd = await serve(stranger.issue('odd.test'));
    await using daemon = await startDaemon({
      conf: (place) =>
        `${plainConf(place)}tls_ca = "${authority.root.cert}"\ndomain "odd.test" {\n  tls = required\n  tls_verify = host\n}\ntls_macros { }\n${logger(place)}${routes({ 'later.test': later.port, 'never.test': never.port, 'odd.test': odd.port })}`,
    });
    for (const to of ['a@later.test', 'b@never.test', 'c@odd.test']) await send(daemon, to);
    // The notice about the permanent one fails too: nobody knows the sender.
    const ofOurs = (): string[] => lines(daemon, 'T').filter((line) => !line.includes('sender.test'));
    const transient = (await daemon.waitFor('two T lines', () => ofOurs().length === 2 && ofOurs())).sort();
    expect(transient[0]).toBe('T|a@later.test|1|5|70|Transient Failure|451 4.7.1 later|SMTP');
    expect(transient[1]).toMatch(/^T\|c@odd\.test\|1\|17\|\d+\|[^|]+\|4\d\d [^|]+\|unknown$/);
    const [permanent] = await waitForLines(daemon, 'P', 1);
    expect(permanent).toBe('P|b@never.test|5|10|550 5.1.1 no such user|SMTP|no');
  });

  it('writes refusals at connect with nothing of a message, and at RCPT with the recipient', async () => {
    await using daemon = await startDaemon({
      conf: (place) =>
        `${plainConf(place, { sinkPort: 9 })}conntrol "door" { pause_time = 0.4 disconnect_ratware = "421 4.7.0 wait for it\\r\\n" }\nallow_ip_literal = false\ntls_macros { }\n${logger(place)}`,
    });
    await new Promise<void>((done, fail) => {
      const hasty = net.connect(daemon.port, '127.0.0.1', () => hasty.write('EHLO ratware.test\r\n'));
      hasty.resume();
      hasty.on('error', fail);
      hasty.on('close', () => done());
    });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<alice@sender.test>', 250);
    await client.command('RCPT TO:<x@[192.0.2.1]>', 550);
    await client.command('QUIT', 221);
    const [early, late] = await waitForLines(daemon, 'X', 2);
    expect(early).toBe('X|unknown|00/00-00000-00000000|00/00-00000-00000000|@|@|127.0.0.1|22|421 4.7.0 wait for it');
    expect(late).toMatch(
      /^X\|esmtp\|(?!00\/00-00000)[0-9A-F/-]+\|(?!00\/00-00000)[0-9A-F/-]+\|x@\[192\.0\.2\.1\]\|alice@sender\.test\|127\.0\.0\.1\|22\|550 /,
    );
  });

  it('writes who logged in and how, the pathway with its group, binding and connections', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({
      conf: (place) => {
        fs.writeFileSync(`${place.dir}/passwords`, 'alice:secret\n', { mode: 0o600 });
        const line = '%A|%U|%P|%PG|%b|%g|%d|%vctx_conn{auth_user}|%CI';
        const door = `ESMTP_Listener {\n  pathway = "partners"\n  authplainparameters = [ uri = "file://${place.dir}/passwords" ]\n`;
        return `pathway_group "inbound" { pathway "partners" { } }
${plainConf(place, { sinkPort: sink.port }).replace('relay_hosts = ( 127.0.0.0/8 )\n', '').replace('ESMTP_Listener {', door)}
custom_logger "c" {
  mainlog = "${place.dir}/custom.cl"
  reception_format = "R|${line}"
  delivery_format = "D|${line}|%OC"
  rejection_format = "X|%r@%R|%P|%PG|%n"
}
`;
      },
    });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<alice@sender.test>', 250);
    await client.command('RCPT TO:<far@one.test>', 550);
    await client.command('RSET', 250);
    await client.command(`AUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`, 235);
    expect((await client.deliver('alice@sender.test', ['bob@one.test'], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
    await client.command('QUIT', 221);
    const [delivered] = await waitForLines(daemon, 'D', 1);
    const [received] = await waitForLines(daemon, 'R', 1);
    const connectionOf = (kind: string): Promise<string> =>
      daemon.waitFor(
        `${kind} in the main log`,
        () =>
          daemon
            .fileLines('mainlog.ec')
            .find((line) => line.split('@')[4] === kind)
            ?.split('@')[3],
      );
    const [inbound, outbound] = [await connectionOf('R'), await connectionOf('D')];
    expect(received).toBe(`R|PLAIN|alice|partners|inbound|default|default|[127.0.0.1]|alice|${inbound}`);
    expect(delivered).toBe(`D|PLAIN|alice|partners|inbound|default|default|[127.0.0.1]|alice|${inbound}|${outbound}`);
    expect(await waitForLines(daemon, 'X', 1)).toEqual(['X|far@one.test|partners|inbound|550 5.7.1 relaying denied']);
  });

  it.each(['icu { }\n', ''])(
    'writes subjects as UTF-8, and sends on octet by octet what names a character set nobody knows ("%s")',
    async (more) => {
      await using sink = await startSink();
      await using daemon = await startDaemon({
        conf: (place) => `default_charset = "koi8-r"\n${plainConf(place, { sinkPort: sink.port })}tls_macros { }\n${more}${logger(place)}`,
      });
      const odd =
        'From: a@b.test\r\nSubject: =?x-odd?B?gYKD?=\r\nContent-Type: text/plain; charset=x-odd\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <1@b.test>\r\n\r\n\x81\x82\xff\r\n';
      await send(daemon, 'a@one.test', 'Subject: =?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=\r\n\r\ntext\r\n');
      await send(daemon, 'b@one.test', 'Subject: \xf0\xd2\xc9\xd7\xc5\xd4\r\n\r\ntext\r\n');
      await send(daemon, 'c@one.test', odd);
      await waitForLines(daemon, 'D', 3);
      expect(lines(daemon, 'R').map((line) => line.split('|').slice(5, 7))).toEqual([
        ['日本語', ''],
        ['Привет', ''],
        ['=?x-odd?B?gYKD?=', 'unknown charset x-odd'],
      ]);
      const raw = sink.received.find(({ to }) => to[0] === 'c@one.test')?.raw.toString('latin1') ?? '';
      expect(raw.slice(raw.indexOf('From: a@b.test'))).toBe(odd);
    },
  );

  it('takes over a new format at a reload, and refuses one that is wrong', async () => {
    await using sink = await startSink();
    const conf = (place: Place, text: string): string =>
      `${plainConf(place, { sinkPort: sink.port })}custom_logger "c" {\n  mainlog = "${place.dir}/custom.cl"\n  delivery_format = "${text}"\n}\n`;
    await using daemon = await startDaemon({ conf: (place) => conf(place, 'D|one|%r') });
    const file = `${daemon.dir}/ecelerity.conf`;
    const change = (text: string): void =>
      fs.writeFileSync(file, `${conf(daemon.place, text)}workers = ${process.env.CELERIS_WORKERS ?? '1'}\n`);
    await send(daemon, 'a@one.test');
    await waitForLines(daemon, 'D', 1);
    change('D|bad|%Q');
    await expect(daemon.console('config reload')).rejects.toThrow(/there is no macro "Q"/);
    await send(daemon, 'b@one.test');
    await waitForLines(daemon, 'D', 2);
    change('D|two|%r');
    await daemon.console('config reload');
    await send(daemon, 'c@one.test');
    expect(await waitForLines(daemon, 'D', 3)).toEqual(['D|one|a', 'D|one|b', 'D|two|c']);
  });
});
