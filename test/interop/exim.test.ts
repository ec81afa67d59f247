/** Exim relays through the daemon: chunks and pipelines, TLS it verifies, logins, certificates and LMTP. */
import fs from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Received } from '../../src/tools/sink/sink.js';
import { needs } from '../needs.js';
import { type EximOptions, makeExim } from './exim.js';
import { NAME, PASSWORD, type Reception, startReception, USER } from './reception.js';

const SOCKETS = {
  smtp: 'relay_hosts = ( 127.0.0.0/8 )',
  clear: 'relay_hosts = ( 127.0.0.0/8 )  tls_certificate = "none"',
  bare: 'relay_hosts = ( 127.0.0.0/8 )  tls_certificate = "none"  smtp_extensions = ( ENHANCEDSTATUSCODES SIZE PIPELINING 8BITMIME DSN )',
  lmtp: 'relay_hosts = ( 127.0.0.0/8 )  speak_lmtp = true',
  login: '',
  certified: 'tls_verify_mode = require  tls_verified_peer_can_relay = true',
} as const;

const FIXTURE = 'From: ann@example.com\nSubject: hello\n\nline\n.dot\n..\ngrößer\n';
const BODY = 'line\r\n.dot\r\n..\r\ngrößer\r\n';

needs('exim4-daemon-light', 'openssl')('Exim', () => {
  let reception: Reception<keyof typeof SOCKETS>;
  let mails = 0;
  beforeAll(async () => {
    reception = await startReception(SOCKETS);
  }, 60_000);
  beforeEach((context) => {
    if (process.getuid?.() !== 0) context.skip('Exim delivers as root only');
  });
  afterAll(() => reception[Symbol.asyncDispose]());

  const anybody = (): string => `to${++mails}@far.test`;
  const arrival = (to: string): Promise<Received> =>
    reception.daemon.waitFor(`mail for ${to}`, () => reception.sink.received.find((mail) => mail.to.includes(to)));
  const bodyOf = ({ raw }: Received): string => raw.subarray(raw.indexOf('\r\n\r\n') + 4).toString();
  const usual = (socket: keyof typeof SOCKETS, more: Omit<EximOptions, 'port'> = {}) =>
    makeExim({ port: reception.ports[socket], ...more });

  it.each([
    ['by BDAT', 'clear', ' K '],
    ['by DATA, where CHUNKING is not offered', 'bare', ' '],
  ] as const)('relays %s, pipelined, each octet of it', async (_, socket, mark) => {
    await using exim = await usual(socket);
    const large = `Subject: large\n\n${'0123456789abcdef.\n'.repeat(60_000)}`;
    for (const text of [FIXTURE, large]) {
      const to = anybody();
      const run = await exim.run(['-odi', '-f', 'ann@example.com', to], text);
      expect(run.stderr).toBe('');
      const mail = await arrival(to);
      expect(bodyOf(mail)).toBe(text === FIXTURE ? BODY : text.slice(text.indexOf('\n\n') + 2).replaceAll('\n', '\r\n'));
      const line = exim.log().find((one) => one.includes(`=> ${to} `)) ?? '';
      // L: it pipelined; K: it used chunks.
      expect(line).toMatch(/ L /);
      expect(line.includes(' K ')).toBe(mark === ' K ');
      expect(line).toContain('C="250 2.0.0 OK');
    }
  });

  it('says STARTTLS, verifies chain and name, and relays nothing to whom it does not believe', async () => {
    const verify = ['hosts_require_tls = *', 'tls_verify_hosts = *', 'tls_verify_cert_hostnames = *'];
    const believed = [...verify, `tls_verify_certificates = ${reception.authority.root.cert}`];
    const [to, never] = [anybody(), anybody()];
    const byName = { route: NAME };
    await using exim = await usual('smtp', { transport: believed, ...byName });
    await exim.run(['-odi', '-f', 'ann@example.com', to], FIXTURE);
    const line = exim.log().find((one) => one.includes(`=> ${to} `)) ?? '';
    expect(line, exim.log().join('\n')).toMatch(/ X=TLS1\.3\S* CV=yes /);
    expect((await arrival(to)).raw.toString()).toContain(' with ESMTPS');
    const unknown = [...verify, `tls_verify_certificates = ${reception.stranger.chain}`];
    await using careful = await usual('smtp', { transport: unknown, ...byName });
    await careful.run(['-odi', '-f', 'ann@example.com', never], FIXTURE);
    expect(careful.log().join('\n')).toMatch(new RegExp(`== ${never} .*certificate verification failed`));
    expect(reception.sink.received.some((mail) => mail.to.includes(never))).toBe(false);
  });

  it.each([
    ['cram_md5', `client:\n  driver = cram_md5\n  public_name = CRAM-MD5\n  client_name = ${USER}\n  client_secret = `],
    ['plain', `client:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = ^${USER}^`],
    ['login', `client:\n  driver = plaintext\n  public_name = LOGIN\n  client_send = : ${USER} : `],
  ])('logs in by %s, and keeps its mail when the password is wrong', async (_, authenticator) => {
    // Colons part its lists.
    const secret = authenticator.includes('cram_md5') ? PASSWORD : PASSWORD.replaceAll(':', '::');
    const transport = ['hosts_require_auth = *', 'hosts_require_tls = *'];
    const to = anybody();
    await using exim = await usual('login', { transport, authenticators: [`${authenticator}${secret}`] });
    await exim.run(['-odi', '-f', 'ann@example.com', to], FIXTURE);
    expect(exim.log().join('\n')).toMatch(/ A=client .*C="250 2\.0\.0 OK/);
    expect((await arrival(to)).raw.toString()).toContain(' with ESMTPSA');
    await using wrong = await usual('login', { transport, authenticators: [`${authenticator}wrong`] });
    await wrong.run(['-odi', '-f', 'ann@example.com', anybody()], FIXTURE);
    expect(wrong.log().join('\n')).toMatch(/== \S+ .*authenticat/i);
  });

  it('relays by its certificate', async () => {
    const to = anybody();
    const { chain, key } = reception.customer;
    fs.chmodSync(key, 0o644);
    await using exim = await usual('certified', { transport: [`tls_certificate = ${chain}`, `tls_privatekey = ${key}`] });
    await exim.run(['-odi', '-f', 'ann@example.com', to], FIXTURE);
    expect((await arrival(to)).raw.toString()).toContain(' with ESMTPS');
  });

  it('brings mail by LMTP, an answer for each recipient', async () => {
    const people = [anybody(), anybody()];
    await using exim = await usual('lmtp', { transport: ['protocol = lmtp'] });
    await exim.run(['-odi', '-f', 'ann@example.com', ...people], FIXTURE);
    expect(exim.log().filter((line) => /[=-]> to\d+@far\.test .*250 2\.0\.0 OK/.test(line))).toHaveLength(2);
    for (const to of people) expect((await arrival(to)).raw.toString()).toContain(' with LMTP');
  });

  it('passes DSN parameters and international addresses on', async () => {
    const to = `zoë${++mails}@far.test`;
    await using exim = await usual('clear');
    const run = await exim.run(
      ['-bs', '-odi'],
      [
        'EHLO exim.test',
        'MAIL FROM:<jürgen@example.com> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=e1',
        `RCPT TO:<${to}> NOTIFY=FAILURE,DELAY ORCPT=utf-8;zoe@first.test`,
        'DATA',
        'Subject: ünïcode',
        '',
        'text',
        '.',
        'QUIT',
        '',
      ].join('\r\n'),
    );
    expect(run.stdout).toMatch(/250 OK id=/);
    const mail = await arrival(to);
    expect(mail.from).toBe('jürgen@example.com');
    expect(Object.fromEntries(mail.parameters)).toMatchObject({ SMTPUTF8: true, RET: 'HDRS', ENVID: 'e1', NOTIFY: 'FAILURE,DELAY' });
    expect(mail.raw.toString()).toContain('Subject: ünïcode\r\n');
  });
});
