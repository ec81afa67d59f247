/** For tests of commands: a desk with a real queue, real modules and a real configuration. */
import { configureText } from '../config/configure.js';
import { planOf, rehearse } from '../module/fixture.js';
import type { LogRecord } from '../module/reports.js';
import type { Route } from '../module/resolver.js';
import { reject } from '../module/verdict.js';
import { Rig } from '../queue/fixture.js';
import { makeCommands } from './commands/index.js';
import type { Desk } from './desk.js';
import { answerRequest } from './dispatch.js';

const CONFIG = 'mx_failures_fallback_to_a = 3\nbinding "b1" {\n  domain "far.test" {\n    max_retries = 7\n  }\n}\n';

/** A desk; with a configuration of its own the queue follows that, otherwise the values of its rig. */
export async function open(more: Partial<Desk> = {}, config?: string) {
  const configured = await configureText(config ?? CONFIG, { unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rig = new Rig({}, config === undefined ? {} : { snapshot: () => configured.snapshot });
  const { registry } = rehearse();
  const ping = planOf(
    {
      name: 'pinger',
      summary: 'Answers.',
      options: {},
      validates: true,
      register: (ctx) => {
        ctx.on('data', () => reject('no'), { order: 'late' });
        ctx.on('received', () => {});
        void ctx.cache('names', 10, { hit: 60, miss: 1 }).get('a', async () => 1);
        ctx.command('ping', { doc: 'Pings.', args: '[n]', run: ([n]) => (n === undefined ? 'pong' : [{ n: Number(n), ok: true }]) });
        ctx.command('touch', { doc: 'Touches.', writes: true, run: () => undefined });
      },
    },
    { instance: 'p', file: 'x.conf', line: 4 },
  );
  registry.commit(await registry.prepare([ping, planOf({ name: 'core_inner', register: () => {} }, { file: '' })]));
  const calls: string[] = [];
  const totals = { received: 10, delivered: 7, deferred: 2, failed: 1, rejected: 3, resetAt: rig.clock.now() - 10_000 };
  const recent: LogRecord[] = [{ at: 0, level: 'error', module: 'm', text: 'broken' }];
  const route: Route = {
    hops: [{ name: 'mx.far.test', ip: '198.51.100.25', port: 25, preference: 10 }],
    expiresAt: 0,
    from: 'dns',
  };
  const desk: Desk = {
    product: 'Celeris',
    version: '1.2.3',
    startedAt: rig.clock.now() - 60_000,
    pid: process.pid,
    now: () => rig.clock.now(),
    queue: rig.queue,
    spool: rig.spool,
    totals: () => totals,
    bindingTotals: () => new Map([['b1', { received: 4, delivered: 3, deferred: 1, failed: 0 }]]),
    traces: {
      add: (_binding, domain) => (domain === 'full.test' ? undefined : 1),
      list: () => [{ id: 1, binding: '*', domain: 'far.test', file: '/tmp/x' }],
      remove: (id) => id === 1,
    },
    outbound: () => [{ peer: 'mx.far.test [198.51.100.25]:25', state: 'busy', seconds: 3, binding: 'b1', domain: 'far.test' }],
    lookUp: async (name, type) =>
      type === 'MX'
        ? { kind: 'found', records: [{ name, type, ttlSeconds: 60, data: { preference: 10, exchange: 'mx.far.test' } }] }
        : { kind: 'nxdomain' },
    dnsStats: () => ({ asked: 3, outcomes: { found: 3 } }),
    resetTotals: () => void calls.push('reset'),
    counters: () => new Map([['pinger_pings', 3]]),
    snapshot: () => configured.snapshot,
    unknownBounces: () => ({
      total: 3,
      list: [
        { masked: '550 odd ID', last: '550 odd 1234567', count: 2 },
        { masked: '550 no', last: '550 no', count: 1 },
      ],
    }),
    forgetUnknownBounces: () => calls.push('forgot'),
    explainBounce: (reply) => (reply.includes('full') ? { class: 22, rule: 'mailbox full' } : { class: 1, rule: '' }),
    tls: {
      memory: () => ({
        contexts: [{ certificate: '/c.pem', authorities: undefined, ciphers: undefined, protocols: '+ALL' }],
        plain: ['192.0.2.1|25'],
      }),
      forgetMemory: () => void calls.push('tls flush'),
      rekey: async () => void calls.push('tls rekey'),
      policies: async () => ['b.test', 'a.test'],
      policy: async (domain) =>
        domain === 'a.test' ? { mode: 'enforce', mx: ['mx.a.test', '*.b.test'], id: 'one', fetchedAt: 0, expiresAt: 1000 } : undefined,
      forgetPolicy: async (domain) => void calls.push(`sts ${domain}`),
      report: async () => true,
    },
    sockets: {
      list: () => [
        { stanza: 'in', listen: 'one', address: '127.0.0.1:25', state: 'on', configured: 'on', sessions: 2 },
        { stanza: 'in', listen: 'two', address: '127.0.0.1:587', state: 'off', configured: 'on', sessions: 0 },
      ],
      turn: async (on, stanza, listen) => void calls.push(`turn ${on} ${stanza} ${listen}`),
    },
    reload: async (file) =>
      file === 'bad.conf' ? { ok: false, text: 'bad.conf:1:1 error' } : { ok: true, text: `reloaded ${file ?? 'the same'}` },
    instances: () => registry.current.instances,
    hooks: () => registry.current.hooks,
    moduleCommands: () => registry.current.commands,
    recent: () => recent,
    reopenLogs: () => void calls.push('reopen'),
    stop: () => void calls.push('stop'),
    waits: () => ['1 session'],
    sessions: () => 2,
    outboundConnections: () => 4,
    route: async (domain) => (domain === 'gone.test' ? { problem: '454 4.4.4 no MX', permanent: false, lookupFailed: true } : route),
    forgetRoutes: (domain) => void calls.push(`forget ${domain ?? 'all'}`),
    connections: () => 0,
    rebinder: () => async (mail) => rig.places.of('default', 'moved', mail.place.domain),
    loading: () => 100,
    clearCache: (name) => registry.caches.clear(name),
    caches: () => registry.caches.sizes(),
    ...more,
  };
  const failures: unknown[] = [];
  const send = (command: string, json: boolean) =>
    answerRequest(
      { id: 1, command, json },
      () => makeCommands(desk),
      new AbortController().signal,
      (error) => failures.push(error),
    );
  const text = async (command: string): Promise<string> => {
    const answer = await send(command, false);
    return `${answer.ok ? '' : 'NO: '}${answer.text}`;
  };
  const data = async (command: string): Promise<unknown> => (await send(command, true)).data;
  return { rig, registry, calls, text, data, failures };
}
