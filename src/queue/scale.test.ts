/**
 * The queue at size. The normal run takes a twentieth; SCALE=full takes a million mails over 100,000 places and prints what it
 * measured: `SCALE=full npx vitest run src/queue/scale.test.ts --disable-console-intercept`.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Copy } from '../module/copy.js';
import { Rig } from './fixture.js';

const FULL = process.env.SCALE === 'full';
const MAILS = FULL ? 1_000_000 : 50_000;
const PLACES = MAILS / 10;
const HOUR = 3_600_000;

const say = (line: string): void => void (FULL && process.stdout.write(`${line}\n`));

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes of the heap and of array buffers after a full collection. */
async function weigh(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collectGarbage();
    await new Promise((done) => setTimeout(done, 20));
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  say(
    `heap ${(heapUsed / 1e6).toFixed(1)} MB, array buffers ${(arrayBuffers / 1e6).toFixed(1)} MB, resident set ${(rss / 1e6).toFixed(1)} MB`,
  );
  return heapUsed + arrayBuffers;
}

function time(what: string, count: number, work: () => void): void {
  const begun = performance.now();
  work();
  const ms = performance.now() - begun;
  say(`${what}: ${count} in ${ms.toFixed(0)} ms, ${((ms * 1000) / count).toFixed(2)} µs each`);
}

/** A spool that has mails but keeps nothing of them: the queue's own memory shows. */
function recovered(rig: Rig, count: number, places: number, nextAttempt: (i: number) => number): void {
  const where = Array.from({ length: places }, (_, i) => ({ group: 'default', binding: 'default', domain: `d${i}.example` }));
  for (const { group, binding, domain } of where) rig.places.of(group, binding, domain);
  const now = rig.clock.now();
  for (let ticket = 0; ticket < count; ticket++) {
    rig.queue.found(ticket, where[ticket % places] as (typeof where)[0], 1, nextAttempt(ticket), now - 1000, 0, false);
  }
}

describe('queue at size', () => {
  it(`holds ${MAILS} delayed mails of ${PLACES} places in at most 60 bytes each, wheel included`, async () => {
    const rig = new Rig();
    // The places' own objects and names are not the queue's.
    for (let i = 0; i < PLACES; i++) rig.places.of('default', 'default', `d${i}.example`);
    const before = await weigh();
    const start = rig.clock.now();
    time('found', MAILS, () => recovered(rig, MAILS, PLACES, (i) => start + HOUR + i));
    const grown = ((await weigh()) - before) / MAILS;
    const { entries, tableBytes, residentMails } = rig.queue.memory();
    say(`tables ${(tableBytes / MAILS).toFixed(1)} bytes a mail, memory grew by ${grown.toFixed(1)} bytes a mail`);
    expect(entries).toBe(MAILS);
    expect(residentMails).toBe(0);
    // The wheel's slots are there whatever it holds.
    expect((tableBytes - 200_000) / MAILS).toBeLessThan(60);
    expect(grown - 200_000 / MAILS).toBeLessThan(70);
  });

  it('lets them come due, be taken and released, each once', async () => {
    const rig = new Rig({ max_resident_active_queue: -1, max_resident_messages: 0 });
    const reception = rig.receive('first.example', 1)[0] as Copy;
    for (const mail of rig.take('first.example')) rig.deliver(mail);
    const mails: Copy[] = [];
    for (let i = 0; i < MAILS; i++) {
      const mail = Object.create(reception, { priority: { value: 0 } }) as Copy;
      mails.push(
        Object.assign(mail, {
          id: `m${i}`,
          ticket: i,
          place: rig.place(`d${i % PLACES}.example`),
          nextAttempt: rig.clock.now() + 60_000 + (i % 1000),
        }),
      );
    }
    time('insert delayed', MAILS, () => {
      for (const mail of mails) rig.queue.insert(mail);
    });
    const begun = performance.now();
    await rig.clock.advance(61_100);
    say(`came due: ${MAILS} in ${(performance.now() - begun).toFixed(0)} ms`);
    expect(rig.queue.wakes).toBeGreaterThanOrEqual(PLACES);
    let released = 0;
    time('take and release', MAILS, () => {
      for (let p = 0; p < PLACES; p++) {
        for (let batch = rig.take(`d${p}.example`, 4); batch.length > 0; batch = rig.take(`d${p}.example`, 4)) {
          for (const mail of batch) {
            rig.queue.release(mail);
            released++;
          }
        }
      }
    });
    expect(released).toBe(MAILS);
    expect(rig.queue.memory()).toMatchObject({ entries: 0, residentMails: 0, residentBytes: 0 });
  });

  it('costs little per mail that passes through', () => {
    const rig = new Rig();
    const [mail] = rig.receive('example.com', 1);
    if (!mail) throw new Error('one mail');
    for (const taken of rig.take()) rig.queue.release(taken);
    const place = rig.place();
    time('insert, take, release', MAILS, () => {
      for (let i = 0; i < MAILS; i++) {
        rig.queue.insert(mail);
        const [taken] = rig.queue.take(place, 100) as readonly Copy[];
        if (taken) rig.queue.release(taken);
      }
    });
    expect(rig.queue.size).toBe(0);
  });

  it('old mail found newest first is in order without walking the lists over and over', async () => {
    const rig = new Rig();
    const start = rig.clock.now();
    recovered(rig, MAILS, 1, (i) => start - 1000 - i);
    const begun = performance.now();
    await rig.clock.advance(200);
    const ms = performance.now() - begun;
    say(`ordered ${MAILS} overdue mails of one place in ${ms.toFixed(0)} ms`);
    const rows = await rig.queue.views.mails({}, 3);
    expect(rows.map((row) => row.nextAttempt)).toEqual([MAILS, MAILS - 1, MAILS - 2].map((age) => start - 999 - age));
    expect(rig.queue.waiting(rig.place('d0.example'))).toBe(MAILS);
    expect(ms).toBeLessThan(10_000);
  });

  it('100,000 that wait on one place with a limit of one cost nothing', async () => {
    const waiting = FULL ? 100_000 : 5000;
    const rig = new Rig({ max_resident_active_queue: 250 });
    let busy: Copy | undefined;
    let looks = 0;
    rig.carrier.onWake = (place) => {
      looks++;
      if (busy) return;
      const taken = rig.queue.take(place, 1);
      if (Array.isArray(taken)) busy = taken[0];
    };
    for (let i = 0; i < waiting; i++) rig.receive('slow.example', 1);
    await rig.turn();
    expect(looks).toBe(1);
    await rig.clock.advance(24 * HOUR);
    expect(looks).toBe(1);
    expect(rig.queue.wakes).toBe(1);
    expect(rig.queue.memory().residentMails).toBeLessThanOrEqual(252);
    // One after the other goes; nobody is woken, since delivery asks for the next itself.
    const begun = performance.now();
    for (let i = 0; i < 200; i++) {
      if (busy) rig.deliver(busy);
      busy = rig.take('slow.example', 1)[0];
    }
    say(`next of ${waiting}: ${(((performance.now() - begun) * 1000) / 200).toFixed(1)} µs`);
    expect(rig.queue.wakes).toBe(1);
  });

  it('answers the operator in reasonable time', async () => {
    const rig = new Rig();
    const start = rig.clock.now();
    recovered(rig, MAILS, PLACES, (i) => start + HOUR + i);
    time('summary', 1, () => rig.queue.views.summary());
    time('mailq, 20 rows', 1, () => rig.queue.views.places({}, 20));
    time('oldest', 1, () => rig.queue.views.oldest());
    const begun = performance.now();
    await rig.queue.views.mails({}, 100, MAILS / 2);
    say(`showqueue, 100 rows from the middle: ${(performance.now() - begun).toFixed(0)} ms`);
    time('flush all', MAILS, () => expect(rig.queue.operations.flush({})).toBe(MAILS));
    rig.spool.change = () => {};
    time('delay all', MAILS, () => expect(rig.queue.operations.delay({}, 600, '451')).toBe(MAILS));
  });

  it('does the same twice', async () => {
    const run = async (): Promise<string[]> => {
      let seed = 7;
      const random = () => (seed = (seed * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
      const rig = new Rig({ retry_interval: 60, delayed_binding_domain_fuzz: 64, max_resident_active_queue: 3 }, { random });
      const log: string[] = [];
      rig.carrier.onWake = async (place) => {
        for (;;) {
          const batch = await rig.queue.take(place, 3);
          if (batch.length === 0) return;
          log.push(`${rig.clock.mono()} ${place.domain} ${batch.map((mail) => `${mail.id}/${mail.attempts}`).join(' ')}`);
          for (const mail of batch) {
            if (random() < 0.3) rig.deliver(mail);
            else if (rig.queue.defer(mail, '451 later').outcome === 'failed') rig.deliver(mail);
          }
        }
      };
      for (let i = 0; i < 200; i++) {
        rig.receive(`d${i % 7}.example`, 1 + (i % 5));
        await rig.clock.advance(random() * 2000);
        if (i % 50 === 0) rig.queue.operations.flush({ domain: 'd3.example' });
      }
      await rig.clock.advance(8 * 24 * HOUR);
      return log;
    };
    const first = await run();
    expect(first.length).toBeGreaterThan(500);
    expect(await run()).toEqual(first);
  });
});
