/** MTA-STS end to end: policies over HTTPS on port 443 of a loopback address, nsd and unbound for names, Postfix as the other side. */
import fs from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { Authority } from './authority.js';
import { type PostfixHosts, startPostfixHosts } from './postfix-hosts.js';
import { type SignedNames, serveZones, type Zone } from './signed-names.js';

const [GOOD, OLD, CLEAR, WEB] = ['127.67.0.1', '127.67.0.2', '127.67.0.3', '127.67.0.9'] as const;

needs(
  'postfix',
  'nsd',
  'unbound',
  'ldnsutils',
  'openssl',
)('MTA-STS against Postfix', () => {
  const authority = new Authority();
  const policies: Record<string, string> = {};
  let web: https.Server | undefined;
  let names: SignedNames;
  let postfix: PostfixHosts;
  let daemon: Daemon;

  const policy = (mode: string, mx: string): string => `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 86400\n`;
  const domain = (name: string, ip: string, mode: string, pattern = `mx.${name}.test`): Zone => {
    policies[`mta-sts.${name}.test`] = policy(mode, pattern);
    return {
      name: `${name}.test`,
      signed: false,
      records: [
        '@ IN MX 10 mx',
        `mx IN A ${ip}`,
        `mta-sts IN A ${WEB}`,
        '_mta-sts IN TXT "v=STSv1; id=1;"',
        '_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:tls@reports.test"',
      ],
    };
  };
  const conf = (place: Place): string => {
    fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${names.port}\noptions timeout:2 attempts:1\n`);
    return plainConf(place, {
      more: `resolv_conf = "${place.dir}/resolv.conf"\nremote_smtp_port = ${postfix.port}\ndeliver_to_private = true\ntls = ifavailable\nuse_mta_sts = true\ntlsrpt = true\n`,
    });
  };
  const env = { NODE_EXTRA_CA_CERTS: authority.root.cert };

  beforeAll(async () => {
    const good = authority.issue('mx.fine.test');
    const old = authority.issue('mx.stale.test', { from: '20200101000000Z', to: '20200201000000Z' });
    postfix = await startPostfixHosts({ [GOOD]: good, [OLD]: old, [CLEAR]: undefined });
    names = await serveZones([
      domain('fine', GOOD, 'enforce'),
      domain('stale', OLD, 'enforce'),
      domain('stripped', CLEAR, 'enforce'),
      domain('foreign', GOOD, 'enforce', 'mx.elsewhere.test'),
      domain('tested', OLD, 'testing'),
      domain('odd', CLEAR, 'sometimes'),
      { name: 'reports.test', signed: false, records: ['@ IN MX 10 mx', `mx IN A ${GOOD}`] },
    ]);
    const contexts = new Map(
      Object.keys(policies).map((name) => {
        const { chain, key } = authority.issue(name);
        return [name, tls.createSecureContext({ cert: fs.readFileSync(chain), key: fs.readFileSync(key) })] as const;
      }),
    );
    const answer: http.RequestListener = ({ headers, url }, response) => {
      const text = url === '/.well-known/mta-sts.txt' ? policies[headers.host ?? ''] : undefined;
      response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/plain' }).end(text ?? '');
    };
    web = https.createServer({ SNICallback: (name, done) => done(null, contexts.get(name)) }, answer);
    await new Promise<void>((done, fail) => web?.once('error', fail).listen(443, WEB, done));
    daemon = await startDaemon({ conf, env });
  }, 60_000);
  afterAll(async () => {
    web?.closeAllConnections();
    web?.close();
    await daemon?.end();
    await postfix?.end();
    await names?.end();
    authority.end();
  });

  const lines = (type: string, of: string): string[] =>
    daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === type && line.includes(of));
  const send = async (to: string): Promise<void> => {
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    expect((await client.deliver('alice@sender.test', [`bob@${to}`], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
    await client.command('QUIT', 221);
  };

  it.each([
    ['fine.test', 'a certificate of the web and a host of the policy'],
    ['tested.test', 'mode testing, though the certificate is expired'],
    ['odd.test', 'a policy that is none'],
  ])('delivers to %s: %s', async (to) => {
    await send(to);
    await daemon.waitFor('delivery', () => lines('D', to).length > 0);
  });

  it.each([
    ['stale.test', '451 4.7.5 [internal] TLS negotiation failed', 'an expired certificate'],
    ['stripped.test', '451 4.7.6 [internal] STARTTLS required but not advertised', 'STARTTLS stripped'],
    ['foreign.test', '451 4.7.5 [internal] the TLS policy of the domain bars its hosts', 'a host that is none of the policy'],
  ])('puts mail for %s off: %s (%s)', async (to, reply) => {
    await send(to);
    expect(await daemon.waitFor('transient failure', () => lines('T', to)[0])).toContain(reply);
    expect(lines('D', to)).toEqual([]);
  });

  it('shows what it keeps', async () => {
    expect(await daemon.consoleJson('mta_sts list all')).toEqual([
      'fine.test',
      'foreign.test',
      'stale.test',
      'stripped.test',
      'tested.test',
    ]);
    expect(await daemon.consoleJson('mta_sts show domain fine.test')).toMatchObject({ mode: 'enforce', mx: 'mx.fine.test', id: '1' });
  });

  it('holds to a kept policy after a restart while its host is down', async () => {
    web?.closeAllConnections();
    await new Promise((done) => web?.close(done));
    await daemon.stop();
    daemon = await startDaemon({ conf, env, place: daemon.place });
    const before = lines('T', 'stripped.test').length;
    await send('stripped.test');
    await daemon.waitFor('transient failure', () => lines('T', 'stripped.test').length > before);
    expect(lines('D', 'stripped.test')).toEqual([]);
    await send('fine.test');
    await daemon.waitFor('delivery', () => lines('D', 'fine.test').length > 1);
  });

  it('mails the report about a day that is over, and only once', async () => {
    const folder = path.join(daemon.dir, 'spool/tlsrpt');
    await daemon.stop();
    const [today = ''] = fs.readdirSync(folder).filter((name) => name.endsWith('.counts'));
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    fs.renameSync(path.join(folder, today), path.join(folder, `${yesterday}.counts`));
    daemon = await startDaemon({ conf, env, place: daemon.place });
    expect(await daemon.console('tls report')).toBe('Reports sent.');
    await daemon.waitFor('reports', () => lines('D', 'reports.test').length >= 6);
    expect(await daemon.console('tls report')).toBe('Reports sent.');
    expect(fs.existsSync(path.join(folder, `${yesterday}.counts`))).toBe(false);
  });
});
