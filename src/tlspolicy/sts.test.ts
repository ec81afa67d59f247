/** Policies in force over time: a real server for HTTPS, a real folder, a clock turned by hand. */
import fs from 'node:fs';
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authority, type Identity } from '../../test/tls/authority.js';
import type { Answer } from '../dns/answer.js';
import { systemClock } from '../kernel/clock.js';
import { nodeDisk } from '../kernel/node-disk.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { StsPolicies } from './sts.js';
import { fetchSts } from './sts-fetch.js';
import { parseStsPolicy } from './sts-policy.js';
import { StsStore } from './sts-store.js';

const authority = new Authority();
const good = authority.issue('mta-sts.a.test');
afterAll(() => authority.end());

const { signal } = new AbortController();
const DAY = 86_400_000;
const textOf = (mode = 'enforce', maxAge = 604_800): string => `version: STSv1\nmode: ${mode}\nmx: mx.a.test\nmax_age: ${maxAge}\n`;
const record = (id: string): Answer<string> => ({
  kind: 'found',
  name: 'x',
  ttlSeconds: 60,
  secure: false,
  from: 'dns',
  records: [`v=STSv1; id=${id}`],
});
const failed: Answer<string> = { kind: 'timeout', why: '', ttlSeconds: 5, fresh: true, outage: false };

let folder: string;
const closing: (() => void)[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-sts-'));
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
  fs.rmSync(folder, { recursive: true, force: true });
});

type Handler = (request: unknown, response: ServerResponse) => void;
async function serve(handler: Handler, identity: Identity = good): Promise<number> {
  const server = https.createServer({ cert: fs.readFileSync(identity.chain), key: fs.readFileSync(identity.key) }, handler);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const say =
  (text: string, type = 'text/plain', status = 200, more = {}) =>
  (_: unknown, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': type, ...more });
    response.end(text);
  };
const addresses = async (): Promise<Answer<{ ip: string; family: 4 }>> => ({
  kind: 'found',
  name: 'x',
  ttlSeconds: 60,
  secure: false,
  from: 'dns',
  records: [{ ip: '127.0.0.1', family: 4 }],
});
const fetchFrom = (port: number, allowPrivate = true) =>
  fetchSts(
    { clock: systemClock, resolver: { addresses }, port, ca: fs.readFileSync(authority.root.cert, 'utf8') },
    'a.test',
    allowPrivate,
    signal,
  );

describe('fetchSts', () => {
  it('fetches and reads a policy', async () => {
    const port = await serve(say(textOf(), 'text/plain; charset=utf-8'));
    expect(await fetchFrom(port)).toMatchObject({ kind: 'policy', policy: { mode: 'enforce' }, text: textOf() });
  });
  it.each([
    ['another status', say('gone', 'text/plain', 404), 'sts-policy-fetch-error', /404/],
    ['a redirect', say('', 'text/plain', 301, { location: 'https://mta-sts.a.test/' }), 'sts-policy-fetch-error', /301/],
    ['another type', say(textOf(), 'text/html'), 'sts-policy-invalid', /text\/plain/],
    ['nonsense', say('hello'), 'sts-policy-invalid', /field/],
    ['too much', say(textOf() + 'x: y\n'.repeat(20_000)), 'sts-policy-invalid', /65536/],
  ] as const)('does not take %s', async (_, handler, fault, why) => {
    expect(await fetchFrom(await serve(handler))).toMatchObject({ kind: 'failed', fault, why: expect.stringMatching(why) });
  });
  it('verifies the host', async () => {
    const other = authority.issue('other.a.test');
    const old = authority.issue('mta-sts.a.test', { from: '20200101000000Z', to: '20200201000000Z' });
    for (const identity of [other, old]) {
      expect(await fetchFrom(await serve(say(textOf()), identity))).toMatchObject({ kind: 'failed', fault: 'sts-webpki-invalid' });
    }
  });
  it('goes to no private address unless that is allowed', async () => {
    expect(await fetchFrom(1, false)).toMatchObject({ kind: 'failed', why: expect.stringContaining('private') });
  });
  it('waits no longer than its deadline', async () => {
    const clock = new VirtualClock();
    const port = await serve(() => {});
    const waiting = fetchSts(
      { clock, resolver: { addresses }, port, ca: fs.readFileSync(authority.root.cert, 'utf8') },
      'a.test',
      true,
      signal,
    );
    await new Promise((done) => setTimeout(done, 50));
    await clock.advance(31_000);
    expect(await waiting).toMatchObject({ kind: 'failed', fault: 'sts-policy-fetch-error' });
  });
});

function open(clock = new VirtualClock()) {
  const state = { txt: record('one') as Answer<string>, text: textOf() as string | undefined, fetches: 0, logs: [] as string[] };
  const policies = new StsPolicies({
    clock,
    resolver: { txt: async () => state.txt },
    store: new StsStore(nodeDisk, folder),
    fetch: async () => {
      state.fetches++;
      if (state.text === undefined) return { kind: 'failed', fault: 'sts-policy-fetch-error', why: 'down' };
      const policy = parseStsPolicy(state.text);
      return typeof policy === 'string'
        ? { kind: 'failed', fault: 'sts-policy-invalid', why: policy }
        : { kind: 'policy', policy, text: state.text };
    },
    log: (level, text) => void state.logs.push(`${level} ${text}`),
  });
  closing.push(() => policies.close());
  return { clock, state, policies, find: () => policies.find('a.test', signal) };
}

describe('StsPolicies', () => {
  it('fetches once for an id, again for another', async () => {
    const { state, find } = open();
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' }, ttlSeconds: 60, fault: undefined });
    await Promise.all([find(), find()]);
    expect(state.fetches).toBe(1);
    state.txt = record('two');
    state.text = textOf('testing');
    expect(await find()).toMatchObject({ policy: { mode: 'testing' } });
    expect(state.fetches).toBe(2);
  });

  it('a policy is kept over a restart and used while its host is down, its record is gone or DNS is silent', async () => {
    const first = open();
    await first.find();
    first.policies.close();
    const { clock, state, find } = open(first.clock);
    state.text = undefined;
    state.txt = record('two');
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' }, fault: 'sts-policy-fetch-error', why: 'down' });
    state.txt = { kind: 'nxdomain', ttlSeconds: 60, secure: false };
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' }, fault: undefined });
    state.txt = failed;
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' } });
    await clock.advance(8 * DAY);
    expect(await find()).toMatchObject({ policy: undefined });
  });

  it('does not repeat a fetch that failed for five minutes', async () => {
    const { clock, state, find } = open();
    state.text = undefined;
    expect(await find()).toMatchObject({ policy: undefined, fault: 'sts-policy-fetch-error' });
    await find();
    expect(state.fetches).toBe(1);
    await clock.advance(301_000);
    await find();
    expect(state.fetches).toBe(2);
  });

  it('fetches a policy in use anew every day, so that it does not expire while its host is down', async () => {
    const { clock, state, find, policies } = open();
    await find();
    await clock.advance(DAY + 1000);
    await policies.refresh(signal);
    expect(state.fetches).toBeGreaterThanOrEqual(2);
    state.text = undefined;
    await clock.advance(6.5 * DAY);
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' } });
  });

  it('believes nothing after max_age', async () => {
    const { clock, state, find } = open();
    state.text = textOf('enforce', 100);
    expect(await find()).toMatchObject({ ttlSeconds: 60 });
    state.txt = failed;
    await clock.advance(50_000);
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' }, ttlSeconds: 50 });
    await clock.advance(51_000);
    expect(await find()).toMatchObject({ policy: undefined });
  });

  it('a damaged file is no policy, and half a file cannot come to be', async () => {
    fs.writeFileSync(path.join(folder, 'a.test'), '{"id":"one","fetchedAt":0,"te');
    fs.writeFileSync(path.join(folder, '.new-1-0'), '{');
    const { state, find, policies } = open();
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' } });
    expect(state.fetches).toBe(1);
    await new StsStore(nodeDisk, folder).sweep(0);
    expect(fs.readdirSync(folder)).toEqual(['a.test']);
    expect(await policies.forget()).toBe(1);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('goes on in memory when the disk is full', async () => {
    fs.rmSync(folder, { recursive: true });
    fs.writeFileSync(folder, 'in the way');
    const { find, state } = open();
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' } });
    expect(await find()).toMatchObject({ policy: { mode: 'enforce' } });
    expect(state.fetches).toBe(1);
    expect(state.logs.join()).toContain('could not be kept');
  });
});
