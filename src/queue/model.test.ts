/** Random lives of a queue beside a naive model: no mail lost, none given twice, the order kept, memory counted right. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Copy } from '../module/copy.js';
import { Rig } from './fixture.js';

const DOMAINS = ['a.example', 'b.example', 'c.example'] as const;

interface Known {
  readonly id: string;
  domain: string;
  state: 'due' | 'delayed' | 'taken';
  /** Monotonic milliseconds. */
  due: number;
  readonly level: number;
  attempts: number;
}

const domain = fc.constantFrom(...DOMAINS);
const level = fc.constantFrom(0, 0, 9, 2, -1, -9);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('receive' as const), domain, count: fc.integer({ min: 1, max: 6 }), level }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('take' as const), domain, max: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('defer' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deliver' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('putBack' as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 5000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('flush' as const), domain }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delay' as const), domain, seconds: fc.integer({ min: 1, max: 500 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), domain, to: domain }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump' as const), seconds: fc.integer({ min: -5000, max: 5000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Life {
  rig: Rig;
  readonly known = new Map<string, Known>();
  batches: (readonly Copy[])[] = [];

  constructor(resident: number) {
    this.rig = new Rig({ retry_interval: 60, message_expiration: 1e9, max_resident_active_queue: resident, drop_body_after_trans_fail: 1 });
  }

  async do(s: Step): Promise<void> {
    const { rig, known } = this;
    const now = rig.clock.mono();
    switch (s.do) {
      case 'receive':
        for (const mail of rig.receive(s.domain, s.count, { priority: s.level })) {
          known.set(mail.id, { id: mail.id, domain: s.domain, state: 'due', due: now, level: s.level, attempts: 0 });
        }
        break;
      case 'take':
        await this.#take(s.domain, s.max);
        break;
      case 'defer':
        for (const mail of this.#pick(s.which)) {
          rig.queue.defer(mail, '451 later');
          const k = this.of(mail);
          k.attempts++;
          k.state = 'delayed';
          k.due = now + Math.min(60 * 2 ** (k.attempts - 1), 43_200) * 1000;
          expect(mail.attempts).toBe(k.attempts);
        }
        break;
      case 'deliver':
        for (const mail of this.#pick(s.which)) {
          rig.deliver(mail);
          known.delete(mail.id);
        }
        break;
      case 'putBack': {
        const batch = this.#pick(s.which);
        rig.queue.putBack(batch);
        for (const mail of batch) this.of(mail).state = 'due';
        break;
      }
      case 'pass':
        await rig.clock.advance(s.seconds * 1000);
        this.#ripen();
        break;
      case 'flush': {
        const delayed = [...known.values()].filter((k) => k.state === 'delayed' && k.domain === s.domain);
        expect(rig.queue.operations.flush({ domain: s.domain })).toBe(delayed.length);
        for (const k of delayed) Object.assign(k, { state: 'due', due: now });
        break;
      }
      case 'delay': {
        const due = [...known.values()].filter((k) => k.state === 'due' && k.domain === s.domain);
        expect(rig.queue.operations.delay({ domain: s.domain }, s.seconds, '451 wait')).toBe(due.length);
        for (const k of due) Object.assign(k, { state: 'delayed', due: now + s.seconds * 1000 });
        break;
      }
      case 'move': {
        const here = [...known.values()].filter((k) => k.state !== 'taken' && k.domain === s.domain && s.to !== s.domain);
        expect(rig.queue.operations.move({ domain: s.domain }, { domain: s.to })).toBe(here.length);
        for (const k of here) k.domain = s.to;
        break;
      }
      case 'jump':
        rig.clock.jump(s.seconds * 1000);
        break;
      case 'restart':
        await this.#restart();
        break;
    }
    this.check();
  }

  /** Everything that is known is there once, in the state it should be in. */
  check(): void {
    const { rig } = this;
    const all = [...this.known.values()];
    const count = (state: Known['state'], at?: string) =>
      all.filter((k) => k.state === state && (at === undefined || k.domain === at)).length;
    expect(rig.queue.size).toBe(all.length);
    expect(rig.spool.kept.size).toBe(all.length);
    expect(rig.queue.views.summary()).toMatchObject({
      delayed: count('delayed'),
      inFlight: count('taken'),
      active: count('due') + count('taken'),
    });
    for (const at of DOMAINS) expect(rig.queue.waiting(rig.place(at))).toBe(count('due', at));
    expect(rig.queue.memory().residentMails).toBeLessThanOrEqual(all.length);
    if (all.length === 0) expect(rig.queue.memory().residentBytes).toBe(0);
  }

  /** Delivers everything; whoever is left over was lost. */
  async finish(): Promise<void> {
    for (const batch of this.batches.splice(0)) for (const mail of batch) this.#deliver(mail);
    await this.rig.clock.advance(43_300_000);
    this.#ripen();
    for (const at of DOMAINS) {
      while (this.rig.queue.waiting(this.rig.place(at)) > 0) {
        await this.#take(at, 3);
        for (const batch of this.batches.splice(0)) for (const mail of batch) this.#deliver(mail);
      }
    }
    expect([...this.known.keys()]).toEqual([]);
    this.check();
  }

  of(mail: Copy): Known {
    const k = this.known.get(mail.id);
    if (!k) throw new Error(`${mail.id} is unknown`);
    return k;
  }

  #deliver(mail: Copy): void {
    this.rig.deliver(mail);
    this.known.delete(mail.id);
  }

  async #take(at: string, max: number): Promise<void> {
    const { rig } = this;
    const batch = await rig.queue.take(rig.place(at), max);
    const due = [...this.known.values()].filter((k) => k.state === 'due' && k.domain === at);
    expect(batch.length).toBeLessThanOrEqual(max);
    expect(batch.length > 0).toBe(due.length > 0);
    const [first] = batch;
    if (!first) return;
    const highest = Math.max(...due.map((k) => k.level));
    const line = due.filter((k) => k.level === highest);
    expect(this.of(first).level).toBe(highest);
    expect(this.of(first).due).toBe(Math.min(...line.map((k) => k.due)));
    for (const mail of batch) {
      const k = this.of(mail);
      expect(k).toMatchObject({ state: 'due', domain: at, attempts: mail.attempts });
      expect(mail.reception.batchId).toBe(first.reception.batchId);
      expect(mail.place).toBe(rig.place(at));
      k.state = 'taken';
    }
    this.batches.push(batch);
  }

  #pick(which: number): readonly Copy[] {
    return this.batches.splice(which % Math.max(1, this.batches.length), 1)[0] ?? [];
  }

  /** Lets the model's mail come due. A due time is rounded up to the wheel's tick, so the virtual time stands on whole ones. */
  #ripen(): void {
    for (const k of this.known.values()) if (k.state === 'delayed' && k.due <= this.rig.clock.mono()) k.state = 'due';
  }

  async #restart(): Promise<void> {
    this.batches = [];
    // What bulk commands record follows within some turns.
    await this.rig.turn(4);
    this.rig = await this.rig.restart();
    const wall = this.rig.clock.now() - this.rig.clock.mono();
    await this.rig.clock.advance(1000);
    for (const k of this.known.values()) {
      // What was in flight is due again, at its old time; a wall clock that was stepped in between moves what was recorded before.
      const recorded = [...this.rig.spool.kept.values()].find((kept) => kept.mail.id === k.id);
      const at = (recorded?.nextAttempt || (recorded?.mail.reception.receivedAt ?? 0)) - wall;
      k.due = at;
      k.state = at <= this.rig.clock.mono() ? 'due' : 'delayed';
    }
  }
}

describe('queue against a naive model', () => {
  for (const resident of [0, 2, 250]) {
    it(`lives the same life with ${resident} resident mails a place`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
          const life = new Life(resident);
          for (const s of steps) await life.do(s);
          await life.finish();
        }),
        { numRuns: 150 },
      );
    });
  }
});
