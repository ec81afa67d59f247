/** Reports over days, on a clock turned by hand and a real folder. */
import fs from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../../test/tls/authority.js';
import type { Answer } from '../dns/answer.js';
import { systemClock } from '../kernel/clock.js';
import { nodeDisk } from '../kernel/node-disk.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { TlsOutcome } from '../module/tls-demand.js';
import { Ledger } from './ledger.js';
import { postReport } from './post.js';
import { readReportRecord } from './record.js';
import { Reporter } from './reporter.js';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const HOUR = 3_600_000;
const sts = { type: 'sts', domain: 'a.test', strings: ['version: STSv1', 'mode: enforce'], mxPatterns: ['*.a.test'] } as const;
const went = (more: Partial<TlsOutcome> = {}): TlsOutcome => ({
  domain: 'a.test',
  policy: sts,
  fault: undefined,
  detail: '',
  host: 'mx.a.test',
  ip: '192.0.2.1',
  source: undefined,
  ...more,
});

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-tlsrpt-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Sent {
  readonly to: string;
  readonly headers: string;
  readonly report: { policies: { summary: Record<string, number>; policy: object; 'failure-details': object[] }[] } & Record<
    string,
    unknown
  >;
}

function open(clock: VirtualClock) {
  const state = {
    rua: { 'a.test': 'mailto:tls@a.test' } as Record<string, string | undefined>,
    silent: false,
    refuse: false,
    sent: [] as Sent[],
    posted: [] as string[],
    logs: [] as string[],
    asked: [] as string[],
    leads: true,
    mailed: (): void => {},
  };
  const log = (level: string, text: string): void => void state.logs.push(`${level} ${text}`);
  const ledger = new Ledger({ clock, disk: nodeDisk, folder, log });
  const reporter = new Reporter({
    clock,
    ledger,
    resolver: {
      txt: async (name): Promise<Answer<string>> => {
        state.asked.push(name);
        if (state.silent) return { kind: 'timeout', why: '', ttlSeconds: 5, fresh: true, outage: false };
        const rua = state.rua[name.slice('_smtp._tls.'.length)];
        return rua === undefined
          ? { kind: 'nxdomain', ttlSeconds: 60, secure: false }
          : { kind: 'found', name, ttlSeconds: 60, secure: false, from: 'dns', records: [`v=TLSRPTv1; rua=${rua}`] };
      },
    },
    settings: () => (state.leads ? { organization: 'Us', from: 'tls@us.test', submitter: 'mta.us.test' } : undefined),
    random: () => 1000,
    mail: async (to, { headers, body }) => {
      if (state.refuse) throw new Error('451 no');
      const base64 = /base64\r\n.*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/s.exec(body.toString())?.[1] ?? '';
      state.sent.push({
        to: String(to),
        headers: headers.toString(),
        report: JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString()),
      });
      state.mailed();
    },
    post: async (url) => void state.posted.push(url),
    log,
  });
  return { state, ledger, reporter };
}
/** Lets timers run and what they started come to its end. */
const advance = async (clock: VirtualClock, ms: number, { reporter, ledger }: { reporter: Reporter; ledger: Ledger }): Promise<void> => {
  // The round that looks for days that ended while we were not there.
  await clock.advance(61_000);
  await reporter.settled();
  await new Promise((done) => setTimeout(done, 1));
  await clock.advance(ms);
  await reporter.settled();
  await ledger.flush();
  await new Promise((done) => setTimeout(done, 1));
};

describe('readReportRecord', () => {
  it.each([
    [['v=TLSRPTv1; rua=mailto:a@b.test'], ['mailto:a@b.test']],
    [
      ['x', 'v=TLSRPTv1;rua=mailto:a@b.test, https://c.test/v1;ext=1'],
      ['mailto:a@b.test', 'https://c.test/v1'],
    ],
    [['v=TLSRPTv1; rua=http://c.test/'], undefined],
    [['v=TLSRPTv1;'], undefined],
    [['v=TLSRPTv1; rua=mailto:a@b.test', 'v=TLSRPTv1; rua=mailto:c@d.test'], undefined],
    [['v=TLSRPTv2; rua=mailto:a@b.test'], undefined],
    [[], undefined],
  ])('%j', (texts, addresses) => expect(readReportRecord(texts)).toEqual(addresses));
});

describe('a day of TLS', () => {
  it('is counted by policy and failure and reported once, when the day is over', async () => {
    const clock = new VirtualClock(NOON);
    const house = open(clock);
    const { ledger, state, reporter } = house;
    for (let i = 0; i < 3; i++) ledger.count(went());
    ledger.count(went({ fault: 'certificate-expired', detail: 'certificate-expired', source: '192.0.2.9' }));
    ledger.count(went({ fault: 'certificate-expired', detail: 'certificate-expired', source: '192.0.2.9' }));
    ledger.count(went({ policy: undefined, fault: 'starttls-not-supported', detail: 'STARTTLS not offered' }));
    ledger.count(went({ domain: 'quiet.test' }));
    await advance(clock, 11 * HOUR, house);
    expect(state.sent).toEqual([]);
    await advance(clock, 2 * HOUR, house);
    await advance(clock, 4 * HOUR, house);
    expect(state.sent.length).toBe(1);
    const [{ to, headers, report } = { to: '', headers: '', report: { policies: [] } as unknown as Sent['report'] }] = state.sent;
    expect(to).toBe('tls@a.test');
    expect(headers).toMatch(/^TLS-Report-Domain: a\.test\r$/m);
    expect(headers).toMatch(/^TLS-Required: No\r$/m);
    expect(report).toMatchObject({
      'organization-name': 'Us',
      'contact-info': 'tls@us.test',
      'date-range': { 'start-datetime': '2026-11-23T00:00:00Z', 'end-datetime': '2026-11-23T23:59:59Z' },
    });
    expect(report.policies).toMatchObject([
      {
        policy: { 'policy-type': 'sts', 'policy-domain': 'a.test', 'policy-string': sts.strings, 'mx-host': ['*.a.test'] },
        summary: { 'total-successful-session-count': 3, 'total-failure-session-count': 2 },
        'failure-details': [
          {
            'result-type': 'certificate-expired',
            'failed-session-count': 2,
            'sending-mta-ip': '192.0.2.9',
            'receiving-mx-hostname': 'mx.a.test',
            'receiving-ip': '192.0.2.1',
          },
        ],
      },
      {
        policy: { 'policy-type': 'no-policy-found' },
        summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 1 },
        'failure-details': [{ 'failure-reason-code': 'STARTTLS not offered' }],
      },
    ]);
    await advance(clock, 48 * HOUR, house);
    expect(state.sent.length).toBe(1);
    expect(fs.readdirSync(folder)).toEqual([]);
    await reporter.close();
  });

  it('survives a restart in the middle, and a crash in the middle of a line', async () => {
    const clock = new VirtualClock(NOON);
    const first = open(clock);
    first.ledger.count(went());
    await first.ledger.flush();
    await first.reporter.close();
    fs.appendFileSync(path.join(folder, '2026-11-23.counts'), '{"domain":"a.test","pol');
    const second = open(clock);
    second.ledger.count(went());
    await advance(clock, 18 * HOUR, second);
    await advance(clock, 6 * HOUR, second);
    expect(second.state.sent[0]?.report.policies[0]?.summary).toEqual({
      'total-successful-session-count': 2,
      'total-failure-session-count': 0,
    });
    await second.reporter.close();
  });

  it('a report that was sent is not sent again after a restart; the others are', async () => {
    const clock = new VirtualClock(NOON);
    const first = open(clock);
    first.ledger.count(went());
    first.ledger.count(went({ domain: 'b.test' }));
    await first.ledger.flush();
    await first.ledger.markReported('2026-11-23', 'a.test');
    await first.reporter.close();
    const second = open(new VirtualClock(NOON + 24 * HOUR));
    second.state.rua = { 'a.test': 'mailto:x@a.test', 'b.test': 'mailto:x@b.test' };
    expect(await second.reporter.send()).toBe(true);
    expect(second.state.sent.map(({ to }) => to)).toEqual(['x@b.test']);
    await second.reporter.close();
  });

  it('tries again each hour what could not be sent, and gives up after two days', async () => {
    const clock = new VirtualClock(NOON);
    const house = open(clock);
    house.ledger.count(went());
    house.state.refuse = true;
    await advance(clock, 14 * HOUR, house);
    await advance(clock, HOUR, house);
    expect(house.state.logs.join()).toContain('was not taken by mailto:tls@a.test');
    house.state.refuse = false;
    await advance(clock, 2 * HOUR, house);
    expect(house.state.sent.length).toBe(1);
    house.ledger.count(went());
    house.state.silent = true;
    for (let i = 0; i < 16; i++) await advance(clock, 5 * HOUR, house);
    expect(fs.readdirSync(folder)).toEqual([]);
    expect(house.state.logs.join()).toContain('given up');
    await house.reporter.close();
  });

  it('posts where an HTTPS address is named, and lets nobody write into the header', async () => {
    const clock = new VirtualClock(NOON + 24 * HOUR);
    const house = open(clock);
    fs.writeFileSync(path.join(folder, '2026-11-23.counts'), '');
    house.ledger.count(went());
    house.state.rua['a.test'] = 'https://a.test/report,mailto:a%0d%0aBcc:%20x@a.test,mailto:ok@a.test?bcc=evil';
    await clock.advance(24 * HOUR);
    expect(await house.reporter.send()).toBe(true);
    expect(house.state.posted).toContain('https://a.test/report');
    expect(house.state.sent.map(({ to }) => to)).toContain('ok@a.test');
    expect(house.state.sent.some(({ headers }) => /Bcc|evil/.test(headers))).toBe(false);
    await house.reporter.close();
  });
});

describe('several workers', () => {
  const MIDNIGHT = NOON + 12 * HOUR;
  const successes = ({ report }: Sent): unknown => report.policies[0]?.summary['total-successful-session-count'];
  const settle = () => new Promise((done) => setTimeout(done, 20));

  it('one report has what all of them counted, also what is not written yet when the day ends', async () => {
    const clock = new VirtualClock(MIDNIGHT - HOUR);
    const [first, second] = [open(clock), open(clock)];
    second.state.leads = false;
    await clock.advance(HOUR - 20_000);
    first.ledger.count(went());
    second.ledger.count(went());
    second.ledger.count(went());
    for (let i = 0; i < 40; i++) {
      await clock.advance(10_000);
      await settle();
    }
    await clock.advance(4 * HOUR);
    await settle();
    expect(first.state.sent.map(successes)).toEqual([3]);
    await clock.advance(24 * HOUR);
    await settle();
    expect([...first.state.sent, ...second.state.sent].length).toBe(1);
    for (const { reporter } of [first, second]) await reporter.close();
  });

  it('what a worker wrote before it died, half a line too, costs nothing of the others', async () => {
    const clock = new VirtualClock(NOON);
    const dead = open(clock);
    dead.ledger.count(went());
    await dead.ledger.flush();
    // Nothing more is heard of it.
    dead.state.leads = false;
    fs.appendFileSync(path.join(folder, '2026-11-23.counts'), '{"domain":"a.te');
    const house = open(clock);
    house.ledger.count(went());
    await advance(clock, 18 * HOUR, house);
    expect(house.state.sent.map(successes)).toEqual([2]);
    for (const { reporter } of [dead, house]) await reporter.close();
  });

  it('who leads no longer stops after the report under way, and the next goes on where it ended', async () => {
    const clock = new VirtualClock(NOON + 24 * HOUR);
    const rua = Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.test`, `mailto:x@${name}.test`]));
    const early = open(new VirtualClock(NOON));
    for (const domain of Object.keys(rua)) early.ledger.count(went({ domain }));
    await early.ledger.flush();
    await early.reporter.close();
    const [first, second] = [open(clock), open(clock)];
    Object.assign(first.state, { rua, mailed: () => Object.assign(first.state, { leads: false }) });
    Object.assign(second.state, { rua });
    expect(await first.reporter.send()).toBe(false);
    expect(await second.reporter.send()).toBe(true);
    expect([...first.state.sent, ...second.state.sent].map(({ to }) => to)).toEqual(['x@a.test', 'x@b.test', 'x@c.test']);
    for (const { reporter } of [first, second]) await reporter.close();
  });

  it('a report that a crash makes go out again has the same number', async () => {
    const ids: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const early = open(new VirtualClock(NOON));
      early.ledger.count(went());
      await early.ledger.flush();
      await early.reporter.close();
      const house = open(new VirtualClock(NOON + 24 * HOUR));
      await house.reporter.send();
      ids.push(house.state.sent[0]?.report['report-id']);
      await house.reporter.close();
    }
    expect(ids[0]).toMatch(/^2026-11-23\.[0-9a-f]{12}\.a\.test$/);
    expect(ids[1]).toBe(ids[0]);
  });
});

describe('postReport', () => {
  it('posts the packed report; another status than 2xx is a failure', async () => {
    const authority = new Authority();
    const { chain, key } = authority.issue('a.test');
    const got: { type: string | undefined; body: Buffer }[] = [];
    let status = 201;
    const server = https.createServer({ cert: fs.readFileSync(chain), key: fs.readFileSync(key) }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        got.push({ type: request.headers['content-type'], body: Buffer.concat(chunks) });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const addresses = async (): Promise<Answer<{ ip: string; family: 4 }>> => ({
      kind: 'found',
      name: 'x',
      ttlSeconds: 1,
      secure: false,
      from: 'dns',
      records: [{ ip: '127.0.0.1', family: 4 }],
    });
    const means = {
      clock: systemClock,
      resolver: { addresses },
      allowPrivate: () => true,
      ca: fs.readFileSync(authority.root.cert, 'utf8'),
    };
    const { signal } = new AbortController();
    const send = (more = {}) => postReport({ ...means, ...more }, `https://a.test:${port}/v1?x=y`, Buffer.from('packed'), signal);
    await send();
    expect(got).toEqual([{ type: 'application/tlsrpt+gzip', body: Buffer.from('packed') }]);
    status = 500;
    await expect(send()).rejects.toThrow('status 500');
    await expect(send({ allowPrivate: () => false })).rejects.toThrow('private');
    server.close();
    authority.end();
  });
});
