/** Access tokens at a real daemon, checked by an authorization server over HTTP: OAUTHBEARER and XOAUTH2, good, bad, for somebody else, and nobody to ask. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import nodemailer from 'nodemailer';
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, type Place, plainConf } from '../harness/place.js';

const TOKENS: Readonly<Record<string, object>> = {
  good: { active: true, username: 'ann', scope: 'openid mail', exp: 4e9 },
  revoked: { active: false },
  old: { active: true, username: 'ann', scope: 'mail', exp: 1 },
  narrow: { active: true, username: 'ann', scope: 'calendar mailbox' },
  nobodys: { active: true, scope: 'mail' },
};

/** An introspection endpoint that knows the tokens; `slow` is never answered, `broken` with a page for people. */
async function startIssuer(port = 0) {
  const asked: { readonly token: string; readonly authorization: string | undefined }[] = [];
  let gone = 0;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const token = new URLSearchParams(Buffer.concat(chunks).toString()).get('token') ?? '';
    asked.push({ token, authorization: request.headers.authorization });
    response.on('close', () => !response.writableFinished && gone++);
    if (token === 'slow') return;
    if (token === 'moved') return void response.writeHead(302, { location: '/' }).end();
    response.end(token === 'broken' ? '<html>' : JSON.stringify(TOKENS[token] ?? { active: false }));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    gone: () => gone,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const conf = (place: Place, sinkPort: number, port: number, more = ''): string =>
  `${plainConf(place, { sinkPort })
    .replace('relay_hosts = ( 127.0.0.0/8 )\n', '')
    .replace('ESMTP_Listener {', 'ESMTP_Listener {\n  authoauthparameters = [ uri = "oauth_introspection://" ]\n')}
oauth_introspection {
  url = "http://127.0.0.1:${port}/introspect"
  client_id = "mx:1"  client_secret = "hush"
  scope = ( "mail" )
  ${more}
}
`;

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const CLAIMS = {
  XOAUTH2: (user: string, token: string) => base64(`user=${user}\x01auth=Bearer ${token}\x01\x01`),
  OAUTHBEARER: (user: string, token: string) => base64(`n,a=${user},\x01host=mta\x01auth=Bearer ${token}\x01\x01`),
};

async function greet(daemon: Daemon): Promise<RawClient> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250, /AUTH OAUTHBEARER XOAUTH2/);
  return client;
}

/** The last reply to one attempt; where there is a challenge it tells why. */
async function logIn(daemon: Daemon, mechanism: keyof typeof CLAIMS, user: string, token: string): Promise<string> {
  const client = await greet(daemon);
  let reply = await client.command(`AUTH ${mechanism} ${CLAIMS[mechanism](user, token)}`);
  if (reply.code === 334) reply = await client.command(mechanism === 'XOAUTH2' ? '' : 'AQ==');
  client.close();
  return reply.raw.slice(0, 9);
}

it.each(['XOAUTH2', 'OAUTHBEARER'] as const)('%s: what the issuer says of the token decides', async (mechanism) => {
  await using issuer = await startIssuer();
  await using daemon = await startDaemon({ conf: (place) => conf(place, 9, issuer.port) });
  expect(await logIn(daemon, mechanism, 'ann', 'good')).toBe('235 2.7.0');
  for (const token of ['revoked', 'old', 'narrow', 'nobodys', 'unknown'])
    expect(await logIn(daemon, mechanism, 'ann', token)).toBe('535 5.7.8');
  expect(await logIn(daemon, mechanism, 'ceo', 'good')).toBe('535 5.7.8');
  for (const token of ['broken', 'moved']) expect(await logIn(daemon, mechanism, 'ann', token)).toBe('454 4.7.0');
  expect(issuer.asked.map(({ token }) => token)).toEqual([
    'good',
    'revoked',
    'old',
    'narrow',
    'nobodys',
    'unknown',
    'good',
    'broken',
    'moved',
  ]);
  expect(new Set(issuer.asked.map(({ authorization }) => authorization))).toEqual(new Set([`Basic ${base64('mx%3A1:hush')}`]));
  const logs = [...daemon.lines, ...['mainlog.ec', 'rejectlog.ec', 'acctlog.ec'].flatMap((log) => daemon.fileLines(log))].join('\n');
  for (const secret of ['hush', CLAIMS[mechanism]('ann', 'good'), CLAIMS[mechanism]('ann', 'revoked')]) expect(logs).not.toContain(secret);
});

it('nodemailer logs in by XOAUTH2 and may relay', async () => {
  await using sink = await startSink();
  await using issuer = await startIssuer();
  await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port, issuer.port) });
  const send = (accessToken: string) =>
    nodemailer
      .createTransport({ host: '127.0.0.1', port: daemon.port, ignoreTLS: true, auth: { type: 'OAuth2', user: 'ann', accessToken } })
      .sendMail({ from: 'ann@example.com', to: 'x@elsewhere.test', subject: 'hi', text: 'text' });
  await expect(send('good')).resolves.toMatchObject({ accepted: ['x@elsewhere.test'] });
  await expect(send('revoked')).rejects.toMatchObject({ responseCode: 535 });
  await sink.waitFor(1);
  expect(sink.received[0]?.raw.toString('latin1')).toContain('auth=pass smtp.auth=ann');
});

it('nobody to ask is 454 within the time, and told once; a client that leaves ends the question', async () => {
  const port = await freePort();
  await using daemon = await startDaemon({ conf: (place) => conf(place, 9, port, 'timeout = 1') });
  for (let i = 0; i < 2; i++) expect(await logIn(daemon, 'XOAUTH2', 'ann', 'good')).toBe('454 4.7.0');
  const told = (): number => daemon.lines.filter((line) => line.includes('does not check tokens')).length;
  // Once in each worker that was asked.
  expect(told()).toBeGreaterThanOrEqual(1);
  expect(told()).toBeLessThanOrEqual(Number(process.env.CELERIS_WORKERS ?? 1));
  await using issuer = await startIssuer(port);
  expect(await logIn(daemon, 'XOAUTH2', 'ann', 'good')).toBe('235 2.7.0');
  const began = performance.now();
  expect(await logIn(daemon, 'XOAUTH2', 'ann', 'slow')).toBe('454 4.7.0');
  expect(performance.now() - began).toBeGreaterThan(950);
  expect(performance.now() - began).toBeLessThan(4000);
  const client = await greet(daemon);
  client.line(`AUTH XOAUTH2 ${CLAIMS.XOAUTH2('ann', 'slow')}`);
  await daemon.waitFor('the question', () => issuer.asked.length === 3);
  client.finish();
  await daemon.waitFor('its end', () => issuer.gone() === 2, 900);
});

it.each([
  ['url = "http://login.example.com/x"', 'in clear'],
  ['url = "ftp://login.example.com/x"', 'scheme must be'],
  ['url = "https://a:b@login.example.com/x"', 'not a password in url'],
  ['url = "https://login.example.com/x" client_id = "mx"', 'go together'],
  ['url = "https://login.example.com/x" user_claims = ( )', 'every name'],
  ['', 'url'],
])('does not start with %s', async (options, say) => {
  const text = (place: Place): string => `${plainConf(place, { sinkPort: 9 })}oauth_introspection { ${options} }\n`;
  await expect(startDaemon({ conf: text })).rejects.toThrow(say);
});
