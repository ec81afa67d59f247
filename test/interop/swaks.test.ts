/** swaks, by every way it has into the daemon: logins, LMTP, TLS and certificates, commands at once, and speaking for others. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Received } from '../../src/tools/sink/sink.js';
import { swaks } from '../harness/program.js';
import { needs } from '../needs.js';
import { NAME, PASSWORD, type Reception, startReception, USER } from './reception.js';

const SOCKETS = {
  smtp: '',
  secure: 'use_ssl = true',
  lmtp: 'speak_lmtp = true',
  certified: 'tls_verify_mode = require  tls_verified_peer_can_relay = true',
  welcoming: 'tls_verified_peer_can_relay = true',
  plain: 'tls_certificate = "none"',
  told: 'Peer 127.0.0.1 { smtp_extensions = ( ENHANCEDSTATUSCODES SIZE STARTTLS AUTH XCLIENT ) }  relay_hosts = ( 203.0.113.0/24 )',
  proxied: 'proxy_protocol = true  relay_hosts = ( 203.0.113.0/24 2001:db8:9::/48 )',
  proxiedSecure: 'proxy_protocol = true  use_ssl = true  relay_hosts = ( 203.0.113.0/24 )',
} as const;

needs(
  'swaks',
  'openssl',
  'libauthen-sasl-perl',
  'libnet-ssleay-perl',
)('swaks', () => {
  let reception: Reception<keyof typeof SOCKETS>;
  let mails = 0;
  beforeAll(async () => {
    reception = await startReception(SOCKETS);
  }, 60_000);
  afterAll(() => reception[Symbol.asyncDispose]());

  /** A recipient nobody else has. */
  const anybody = (): string => `to${++mails}@far.test`;
  const run = (socket: keyof typeof SOCKETS, to: string, ...words: string[]) => swaks(reception.ports[socket], ['--to', to, ...words]);
  const arrival = (to: string): Promise<Received> =>
    reception.daemon.waitFor(`mail for ${to}`, () => reception.sink.received.find((mail) => mail.to.includes(to)));
  const traceOf = async (to: string): Promise<string> =>
    /^Received: [\s\S]*?\r\n(?!\s)/m.exec((await arrival(to)).raw.toString('latin1'))?.[0] ?? '';
  const login = (mechanism: string, password = PASSWORD): string[] => [
    ...['--auth', mechanism, '--auth-user', USER, '--auth-password', password],
    // It forms the digest-uri of these.
    ...['--auth-extra', `dmd5-serv-type=smtp,dmd5-host=${NAME},realm=${NAME}`],
  ];

  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'DIGEST-MD5'])(
    'logs in by %s: in clear, after STARTTLS, under TLS from the first octet',
    async (name) => {
      for (const [socket, ways, protocol] of [
        ['plain', [], 'ESMTPA'],
        ['smtp', ['--tls'], 'ESMTPSA'],
        ['secure', ['--tlsc'], 'ESMTPSA'],
      ] as const) {
        const to = anybody();
        const good = await run(socket, to, ...ways, ...login(name));
        expect(good.stdout, socket).toContain(`AUTH ${name}`);
        expect(good.stdout, socket).toContain('235 2.7.0');
        expect(good.status, good.stdout).toBe(0);
        expect(await traceOf(to)).toContain(` with ${protocol}`);
        const bad = await run(socket, to, ...ways, ...login(name, 'open sesame'));
        expect(bad.stdout, socket).toContain('535 5.7.8');
        expect(bad.status).not.toBe(0);
      }
    },
  );

  it('finds a mechanism it can among those that are offered', async () => {
    const to = anybody();
    const { status, stdout } = await run('smtp', to, '--tls', '--auth', '--auth-user', USER, '--auth-password', PASSWORD);
    expect(status, stdout).toBe(0);
    await arrival(to);
  });

  it('brings mail by LMTP under TLS, logged in, an answer for each recipient', async () => {
    const [one, two] = [anybody(), anybody()];
    const { status, stdout } = await run('lmtp', `${one},${two}`, '--protocol', 'LMTP', '--tls', ...login('CRAM-MD5'), '--pipeline');
    expect(status, stdout).toBe(0);
    expect(stdout).toContain('~> LHLO');
    expect(stdout.match(/<~ +250 2\.0\.0 OK/g)).toHaveLength(2);
    expect(await traceOf(one)).toContain(' with LMTPSA');
    await arrival(two);
  });

  it('says everything at once, and learns which recipient is refused', async () => {
    const to = anybody();
    const { status, stdout } = await run('smtp', `not..one@far.test,${to}`, '--tls', ...login('PLAIN'), '--pipeline');
    expect(status, stdout).toBe(0);
    expect(stdout).toMatch(/~> MAIL FROM:.*\n ~> RCPT TO:<not\.\.one@far\.test>\n ~> RCPT TO:.*\n ~> DATA\n/);
    expect(stdout).toMatch(/<~\* 5\d\d /);
    expect((await arrival(to)).to).toEqual([to]);
  });

  it('shows a certificate: it relays where that is enough, and is served at all where one is required', async () => {
    const show = ({ cert, key }: { cert: string; key: string }): string[] => ['--tls', '--tls-cert', cert, '--tls-key', key];
    for (const socket of ['certified', 'welcoming'] as const) {
      const to = anybody();
      const known = await run(socket, to, ...show(reception.customer), '--tls-verify', '--tls-ca-path', reception.authority.root.cert);
      expect(known.status, known.stdout).toBe(0);
      expect(await traceOf(to)).toContain(' with ESMTPS');
      const refusal = socket === 'certified' ? '421 4.7.0 a client certificate is needed' : '550 5.7.1 relaying denied';
      for (const how of [show(reception.stranger), ['--tls']]) {
        const { status, stdout } = await run(socket, to, ...how);
        expect(stdout).toContain(refusal);
        expect(status).not.toBe(0);
      }
    }
  });

  it('speaks for others by XCLIENT, before and behind STARTTLS, and logs them in', async () => {
    const words = [
      '--tls',
      '--xclient-addr',
      '203.0.113.9',
      '--xclient-port',
      '4000',
      '--xclient-helo',
      'far.test',
      '--xclient-proto',
      'ESMTP',
    ];
    for (const order of [[], ['--xclient-before-starttls']]) {
      const to = anybody();
      const { status, stdout } = await run('told', to, ...words, ...order);
      expect(status, stdout).toBe(0);
      expect(await traceOf(to)).toMatch(/\[203\.0\.113\.9:4000\][\s\S]* with ESMTPS/);
    }
    const to = anybody();
    const stranger = ['--tls', '--xclient-addr', '198.51.100.7'];
    expect((await run('told', to, ...stranger)).stdout).toContain('550 5.7.1 relaying denied');
    const known = await run('told', to, ...stranger, '--xclient-login', 'carol');
    expect(known.status, known.stdout).toBe(0);
    await arrival(to);
  });

  it.each([
    ['1, IPv6', 'proxied', '2001:db8:9::7', ['--proxy-version', '1', '--proxy-family', 'TCP6', '--proxy-dest', '2001:db8::1']],
    ['2, IPv6', 'proxied', '2001:db8:9::7', ['--proxy-version', '2', '--proxy-family', 'AF_INET6', '--proxy-dest', '2001:db8::1']],
    [
      '1, then TLS',
      'proxiedSecure',
      '203.0.113.9',
      ['--tlsc', '--proxy-version', '1', '--proxy-family', 'TCP4', '--proxy-dest', '192.0.2.1'],
    ],
    [
      '2, then TLS',
      'proxiedSecure',
      '203.0.113.9',
      ['--tlsc', '--proxy-version', '2', '--proxy-family', 'AF_INET', '--proxy-dest', '192.0.2.1'],
    ],
    [
      '2, then STARTTLS',
      'proxied',
      '203.0.113.9',
      ['--tls', '--proxy-version', '2', '--proxy-family', 'AF_INET', '--proxy-dest', '192.0.2.1'],
    ],
  ] as const)('stands behind a proxy of version %s', async (_, socket, ip, words) => {
    const ends = ['--proxy-source-port', '4000', '--proxy-dest-port', '25', '--proxy-source'];
    const to = anybody();
    const known = await run(socket, to, ...words, ...ends, ip);
    expect(known.status, known.stdout).toBe(0);
    expect(await traceOf(to)).toContain(`${ip}${ip.includes('.') ? ':4000' : ''}`);
    const other = ip.includes('.') ? '198.51.100.7' : '2001:db8:10::7';
    expect((await run(socket, to, ...words, ...ends, other)).stdout).toContain('550 5.7.1 relaying denied');
  });
});
