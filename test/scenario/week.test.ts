/** A week of a queue and its delivery on a virtual clock: real decisions, limits and sweeps; only the sockets are made up. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Delivery } from '../../src/deliver/delivery.js';
import type { OutboundSession } from '../../src/deliver/ports.js';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import { Watch } from '../../src/kernel/watch.js';
import { type Attempt, STAGE } from '../../src/module/attempt.js';
import { HookSet } from '../../src/module/hook-set.js';
import { MapSpool, Rig } from '../../src/queue/fixture.js';
import { DirectBroker } from '../../src/server/broker.js';
import { type Batch, outcomeOf } from '../../src/smtp/client/batch.js';
import type { ClientSession, SessionOwner } from '../../src/smtp/client/session.js';
import type { ClientTerms } from '../../src/smtp/client/terms.js';
import { snapshotOf } from '../chaos/room.js';

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const CONNECT_MS = 20;
const TRANSACTION_MS = 100;

/** What a domain does: refuses connections, or answers every message with a reply. */
type Manners = (domain: string, now: number) => 'dead' | string;

/** A session without a socket: its batches take their time, then have one reply. */
class FakeSession implements OutboundSession {
  readonly id: string;
  readonly tls = undefined;
  readonly recipients = 0;
  readonly isIntroduced = false;
  terms: ClientTerms;
  ready = false;
  hasClosed = false;
  deliveries = 0;
  #batch: Batch | undefined;
  readonly #clock: VirtualClock;
  readonly #owner: SessionOwner;
  readonly #reply: () => string;
  // The owner only uses what an OutboundSession has.
  readonly #self = this as unknown as ClientSession;

  constructor(id: string, terms: ClientTerms, owner: SessionOwner, clock: VirtualClock, reply: () => string) {
    this.id = id;
    this.terms = terms;
    this.#owner = owner;
    this.#clock = clock;
    this.#reply = reply;
    clock.after(CONNECT_MS, () => {
      if (this.hasClosed) return;
      if (this.#reply() === 'dead') {
        this.#end({ kind: 'connect', reply: '451 4.4.1 [internal] no connection', stage: STAGE.notConnected, detail: 'ECONNREFUSED' });
        return;
      }
      this.ready = true;
      this.#ask();
    });
  }

  get idle(): boolean {
    return this.ready && !this.hasClosed && !this.#batch;
  }

  begin(batch: Batch): void {
    this.#batch = batch;
    this.#clock.after(TRANSACTION_MS, () => {
      const reply = this.#reply();
      const outcome = outcomeOf(Number(reply.slice(0, 3)));
      batch.settle(outcome, reply, STAGE.readingConfirmation);
      if (outcome === 'delivered') this.deliveries += batch.mails.length;
      this.#batch = undefined;
      this.#owner.concluded(this.#self, batch);
      this.#ask();
    });
  }

  leave(): void {
    if (!this.#batch) this.#end(undefined);
  }

  stop(): void {
    this.leave();
  }

  abort(): void {
    this.#end(undefined);
  }

  #ask(): void {
    if (this.hasClosed || this.#batch) return;
    const batch = this.#owner.next(this.#self, false);
    if (batch) this.begin(batch);
    else this.#clock.after(this.terms.timeouts.idleMs, () => this.leave());
  }

  #end(failure: Parameters<SessionOwner['closed']>[1]): void {
    if (this.hasClosed) return;
    this.hasClosed = true;
    this.#owner.closed(this.#self, failure);
    this.#clock.after(0, () => this.#owner.gone(this.#self));
  }
}

/** A queue and its delivery on one virtual clock; `attempts` tells what was tried and when, `work` what it cost. */
async function open(config: string, manners: Manners) {
  const clock = new VirtualClock();
  const snapshot = await snapshotOf(config);
  const spool = new MapSpool();
  const rig = new Rig({}, { snapshot: () => snapshot, random: () => 0.5 }, { clock, spool });
  const watch = new Watch(clock);
  const broker = new DirectBroker(clock);
  const { chains } = new HookSet([], { watch, mono: () => clock.mono(), failed: () => {}, runLimitMs: 1000 });
  const attempts: {
    readonly at: number;
    readonly domain: string;
    readonly id: string;
    readonly outcome: string;
    readonly reply: string;
  }[] = [];
  const began = clock.now();
  const hear = (attempt: Attempt): void => {
    const { at, outcome, reply, mail } = attempt;
    attempts.push({ at: (at - began) / SECOND, domain: attempt.place.domain, id: mail.id, outcome, reply });
  };
  let connections = 0;
  let most = 0;
  let takes = 0;
  const { queue } = rig;
  const delivery: Delivery = new Delivery({
    clock,
    watch,
    supply: new Proxy(queue, {
      get: (target, name) => {
        if (name === 'take') takes++;
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
    broker,
    router: {
      route: ({ domain }) => ({ hops: [{ name: domain, ip: '192.0.2.1', port: 25, preference: 10 }], expiresAt: 0, from: 'dns' }),
      forget: () => {},
    },
    spool,
    snapshot: () => snapshot,
    hostname: () => 'celeris.test',
    nextId: () => `c${connections++}`,
    chains: () => ({ ...chains, attempted: Object.assign(Object.create(chains.attempted), { run: hear }) }),
    classify: () => 1,
    bounce: async (mail) => {
      spool.gone(mail.ticket);
      queue.release(mail);
    },
    log: () => {},
    connect: (id, terms, owner) => {
      most = Math.max(most, delivery.totals().connections + 1);
      return new FakeSession(id, terms, owner, clock, () => manners(terms.hop.name, (clock.now() - began) / SECOND));
    },
  });
  queue.connect(delivery);
  const of = (domain: string) => attempts.filter((attempt) => attempt.domain === domain);
  return { clock, rig, queue, delivery, attempts, of, work: () => ({ connections, most, takes, wakes: queue.wakes }) };
}

const CONFIG = `
retry_interval = 1200
max_retry_interval = 43200
message_expiration = 604800
domain "slow.test" { outbound_throttle_messages = "10/60" max_recipients_per_batch = 1 }
domain "dead.test" { mx_failures_to_delay = 3 connect_timeout_to_delay = 0 }
domain "silent.test" { mx_failures_to_delay = 0 connect_timeout_to_delay = 900 }
domain "young.test" { message_expiration = 3000 never_attempt_expired_messages = true retry_interval = 2000 }
domain "once.test" { never_retry = true }
domain "auto.test" { max_retries = auto message_expiration = 86400 }
`;

const manners: Manners = (domain, now) => {
  if (domain === 'dead.test' || domain === 'silent.test') return 'dead';
  if (domain === 'slow.test') return now < 3600 ? '451 4.7.1 greylisted' : '250 2.0.0 ok';
  return '451 4.3.0 not today';
};

async function liveAWeek() {
  const week = await open(CONFIG, manners);
  for (const domain of ['later.test', 'young.test', 'once.test', 'auto.test']) week.rig.receive(domain, 1);
  for (let i = 0; i < 100; i++) week.rig.receive('slow.test', 1);
  for (let i = 0; i < 20; i++) week.rig.receive('dead.test', 1);
  week.rig.receive('silent.test', 1);
  await week.clock.advance(8 * DAY);
  return week;
}

const STEPS = [0, 1200, 3600, 8400, 18_000, 37_200, 75_600];

describe('a week', () => {
  it('follows the curve, holds throttles, expires in time, sweeps what cannot be reached; and is the same twice', async () => {
    const week = await liveAWeek();
    const times = (domain: string): number[] => week.of(domain).map(({ at }) => Math.floor(at));
    const ends = (domain: string) =>
      week
        .of(domain)
        .filter(({ outcome }) => outcome === 'failed')
        .map(({ reply }) => reply);
    const later = times('later.test');
    expect(later).toHaveLength(20);
    expect(STEPS.map((step, i) => Math.abs((later[i] ?? 0) - step) <= 5)).not.toContain(false);
    expect(later.at(-1)).toBeGreaterThanOrEqual(594_000);
    expect(ends('later.test')).toEqual(['554 5.4.7 [internal] exceeded max time without delivery']);
    expect(ends('once.test')).toEqual(['554 5.4.7 [internal] exceeded max retries without delivery']);
    expect(week.of('auto.test')).toHaveLength(7);
    expect(ends('auto.test')).toEqual(['554 5.4.7 [internal] exceeded max retries without delivery']);
    // Its second attempt would be at 2000 s and is made; the third lies behind its end and is not made.
    expect(week.of('young.test')).toHaveLength(2);
    expect(week.rig.failed.map(({ reply }) => reply)).toEqual(['554 5.4.5 [internal] Delivery not attempted (message expired)']);

    const sent = week.of('slow.test').map(({ at }) => at);
    for (let i = 10; i < sent.length; i++) expect((sent[i] as number) - (sent[i - 10] as number)).toBeGreaterThanOrEqual(59.8);
    expect(week.of('slow.test').filter(({ outcome }) => outcome === 'delivered')).toHaveLength(100);

    // Three rounds fail one mail each; then all that is due is put off together, without an attempt and without a count.
    const first = week.of('dead.test').filter(({ at }) => at < 1200);
    expect(first).toHaveLength(3);
    expect(week.of('dead.test').filter(({ at }) => at < 2400 + 60).length).toBeLessThanOrEqual(9);
    expect(week.of('silent.test').every(({ reply }) => reply.startsWith('451 4.4.1') || reply.startsWith('554'))).toBe(true);
    expect(week.queue.size).toBe(0);
    expect(week.delivery.totals()).toMatchObject({ connections: 0, pendingOutcomes: 0 });

    const hash = (list: typeof week.attempts) => createHash('sha256').update(JSON.stringify(list)).digest('hex');
    expect(hash((await liveAWeek()).attempts)).toBe(hash(week.attempts));
  });

  it('costs nothing while 100,000 wait behind a limit of 1', async () => {
    const { rig, clock, attempts, work } = await open(
      'max_outbound_connections = 1\nmax_recipients_per_batch = 1\noutbound_throttle_messages = "1/3600"\nmax_resident_active_queue = 10\n',
      () => '250 2.0.0 ok',
    );
    rig.receive('full.test', 100_000);
    await clock.advance(60 * SECOND);
    const before = work();
    await clock.advance(DAY);
    const after = work();
    expect(attempts.length).toBeGreaterThan(20);
    const made = attempts.length;
    // A day brings one message an hour; nothing else happens.
    expect(after.most).toBe(1);
    expect(after.connections - before.connections).toBeLessThanOrEqual(made + 1);
    expect(after.takes - before.takes).toBeLessThanOrEqual(4 * made);
    expect(after.wakes - before.wakes).toBeLessThanOrEqual(4 * made);
  });
});
