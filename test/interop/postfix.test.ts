/** Postfix relays through the daemon: in clear, verified TLS, logins, certificates, XFORWARD, LMTP, international mail; and what it bounces. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Received } from '../../src/tools/sink/sink.js';
import { startPostfix } from '../bench/postfix.js';
import { RawClient } from '../harness/client.js';
import { needs } from '../needs.js';
import { NAME, PASSWORD, type Reception, startReception, USER } from './reception.js';

const SOCKETS = {
  smtp: 'relay_hosts = ( 127.0.0.0/8 )',
  told: 'Peer 127.0.0.1 { relay_hosts = ( 127.0.0.0/8 )  smtp_extensions = ( ENHANCEDSTATUSCODES SIZE PIPELINING 8BITMIME DSN XFORWARD ) }',
  lmtp: 'relay_hosts = ( 127.0.0.0/8 )  speak_lmtp = true',
  login: '',
  certified: 'tls_verify_mode = require  tls_verified_peer_can_relay = true',
} as const;
type Socket = keyof typeof SOCKETS;
type Postfix = Awaited<ReturnType<typeof startPostfix>>;

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

needs(
  'postfix',
  'libsasl2-modules',
  'openssl',
)('Postfix', () => {
  // One instance: it routes by the recipient's domain, each with a service, a port and options of its own.
  let reception: Reception<Socket>;
  let postfix: Postfix | undefined;
  const folder = (): string => reception.authority.folder;
  const log = (): string => (postfix ? fs.readFileSync(postfix.logFile, 'utf8') : '');

  beforeAll(async () => {
    const facts = ['addr', 'helo', 'proto', 'source'].map((name) => `%vctx_conn{xforward_${name}}`).join(' ');
    reception = await startReception(
      SOCKETS,
      (place) => `custom_logger "told" { reception_logfile = "${place}/told" reception_format = "%r@%R ${facts}" }`,
    );
    if (process.getuid?.() !== 0) return;
    const { ports, customer, authority } = reception;
    const maps: Record<string, readonly string[]> = {
      // Postfix asks for a password by the next hop.
      hops: [`[127.0.0.1]:${ports.login} ${USER}:${PASSWORD}`],
    };
    for (const [name, lines] of Object.entries(maps)) fs.writeFileSync(path.join(folder(), name), `${lines.join('\n')}\n`, { mode: 0o600 });
    postfix = await startPostfix(ports.smtp, [
      `transport_maps = inline:{ { told.test=smtp:[127.0.0.1]:${ports.told} } { lmtp.test=lmtp:inet:127.0.0.1:${ports.lmtp} } { login.test=smtp:[127.0.0.1]:${ports.login} } { certified.test=smtp:[127.0.0.1]:${ports.certified} } }`,
      `smtp_tls_CAfile = ${authority.root.cert}`,
      `smtp_tls_policy_maps = inline:{ { [127.0.0.1]:${ports.smtp}=verify match=${NAME} } { [127.0.0.1]:${ports.certified}=encrypt } { [127.0.0.1]:${ports.login}=encrypt } { [127.0.0.1]:${ports.told}=none } }`,
      'smtp_tls_loglevel = 2',
      'smtp_tls_security_level = none',
      'smtp_tls_session_cache_database = btree:$data_directory/sessions',
      `smtp_tls_cert_file = ${customer.chain}`,
      `smtp_tls_key_file = ${customer.key}`,
      'smtp_sasl_auth_enable = yes',
      'smtp_sasl_security_options = noanonymous',
      `smtp_sasl_password_maps = texthash:${path.join(folder(), 'hops')}`,
      'smtp_send_xforward_command = yes',
      'lmtp_send_xforward_command = no',
      'minimal_backoff_time = 300s',
      'smtputf8_enable = yes',
      'in_flow_delay = 0',
    ]);
  }, 60_000);
  afterAll(async () => {
    await postfix?.stop();
    await reception[Symbol.asyncDispose]();
  });

  const arrival = async (to: string): Promise<Received> => {
    const find = () => reception.sink.received.find((mail) => mail.to.includes(to));
    try {
      return await reception.daemon.waitFor(`mail for ${to}`, find, 5_000);
    } catch (error) {
      throw new Error(`Postfix says: ${log()}`, { cause: error });
    }
  };

  /** One message into Postfix; with parameters of MAIL and RCPT. */
  async function submit(
    to: string,
    { text = 'Subject: hello\r\n\r\ntext\r\n', mail = '<ann@example.com>', rcpt = '' } = {},
  ): Promise<void> {
    const client = await RawClient.connect(postfix?.port ?? 0);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command(utf8(`MAIL FROM:${mail}`), 250);
    await client.command(utf8(`RCPT TO:<${to}>${rcpt}`), 250);
    await client.command('DATA', 354);
    client.send(utf8(`${text.replace(/^\./gm, '..')}.\r\n`));
    await client.expect(250);
    await client.command('QUIT', 221);
  }

  it('verifies our certificate and resumes its session', async (context) => {
    if (!postfix) context.skip("Postfix's daemons need root");
    await submit('one@far.test');
    expect((await arrival('one@far.test')).raw.toString()).toContain(' with ESMTPS\r\n');
    await submit('two@far.test');
    await arrival('two@far.test');
    expect(log()).toMatch(/Verified TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: TLSv1\.3/);
    expect(log()).toMatch(/Reusing old session/);
  });

  it('logs in, and relays by that', async (context) => {
    if (!postfix) context.skip("Postfix's daemons need root");
    await submit('x@login.test');
    const { raw } = await arrival('x@login.test');
    expect(raw.toString()).toContain(' with ESMTPSA\r\n');
    expect(raw.toString()).toContain(`auth=pass smtp.auth=${USER}`);
  });

  it('relays by its certificate', async (context) => {
    if (!postfix) context.skip("Postfix's daemons need root");
    await submit('x@certified.test');
    expect((await arrival('x@certified.test')).raw.toString()).toContain(' with ESMTPS\r\n');
  });

  it('tells its client by XFORWARD', async (context) => {
    if (!postfix) context.skip("Postfix's daemons need root");
    await submit('x@told.test');
    await arrival('x@told.test');
    const facts = await reception.daemon.waitFor('what it told', () =>
      fs
        .readFileSync(path.join(folder(), 'told'), 'utf8')
        .split('\n')
        .find((line) => line.startsWith('x@told.test ')),
    );
    // Clients in its mynetworks are local to it.
    expect(facts).toMatch(/^x@told\.test 127\.0\.0\.1 client\.test esmtp LOCAL$/);
  });

  it('brings mail by LMTP, an answer for each recipient', async (context) => {
    if (!postfix) context.skip("Postfix's daemons need root");
    await submit('x@lmtp.test');
    expect((await arrival('x@lmtp.test')).raw.toString()).toMatch(/ with LMTP/);
    await reception.daemon.waitFor('its word', () => /to=<x@lmtp\.test>, relay=127\.0\.0\.1.*status=sent \(250 2\.0\.0 OK/.test(log()));
  });

  it('8-bit octets, dots and long lines arrive as they were', async (context) => {
    if (!postfix) context.skip("Postfix's daemons need root");
    const body = `.\r\n..\r\n.x\r\ngrößer\r\n${'y'.repeat(990)}\r\n\r\n.end\r\n`;
    await submit('eight@far.test', {
      text: `Subject: dots\r\nContent-Transfer-Encoding: 8bit\r\nMIME-Version: 1.0\r\n\r\n${body}`,
      mail: '<ann@example.com> BODY=8BITMIME',
    });
    const { raw } = await arrival('eight@far.test');
    expect(raw.subarray(raw.indexOf('\r\n\r\n') + 4).toString()).toBe(body);
  });

  it('international mail and DSN parameters pass', async (context) => {
    if (!postfix) context.skip("Postfix's daemons need root");
    const mail = '<jürgen@sender.test> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=e1';
    await submit('zoë@far.test', {
      text: 'Subject: ünïcode\r\n\r\ntext\r\n',
      mail,
      rcpt: ' NOTIFY=SUCCESS,FAILURE ORCPT=utf-8;zoe@first.test',
    });
    const message = await arrival('zoë@far.test');
    expect(message.from).toBe('jürgen@sender.test');
    expect(Object.fromEntries(message.parameters)).toMatchObject({ SMTPUTF8: true, RET: 'HDRS', ENVID: 'e1', NOTIFY: 'SUCCESS,FAILURE' });
    expect(message.raw.toString()).toContain('Subject: ünïcode\r\n');
  });
});
