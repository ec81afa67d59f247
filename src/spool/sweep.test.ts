/** Records about whole places, against a plain list of messages, over restarts. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCopies } from '../../test/fixtures/copies.js';
import { systemClock } from '../kernel/clock.js';
import { nodeDisk } from '../kernel/node-disk.js';
import { readPlace } from './place-names.js';
import { SegmentSpool } from './segment-spool.js';
import { applyLate, isThere } from './sweep.js';

const never = new AbortController().signal;
const open = (folder: string): Promise<SegmentSpool> =>
  SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder, segmentBytes: 6000, outcomeBytes: 2000, sync: false });

/** What should be known of a message. */
interface Known {
  ticket: number;
  domain: string;
  attempts: number;
  next: number;
  reply: string;
}

const DOMAINS = ['a.test', 'b.test'] as const;
const domain = fc.constantFrom(...DOMAINS);
const nth = fc.nat({ max: 30 });
const act = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('write' as const), domain) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('change' as const), nth) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('move' as const), nth, domain) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('gone' as const), nth) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('sweep' as const), domain) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('restart' as const)) },
);

describe('a sweep', () => {
  it('concerns what lay in its place when it was written, and yields to what came later', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-sweep-'));
        const known = new Map<string, Known>();
        let spool = await open(folder);
        await spool.recover(() => {}, never);
        const restart = async (): Promise<void> => {
          await spool.close();
          spool = await open(folder);
          const found = new Map<string, Omit<Known, 'reply'>>();
          await spool.recover(
            (ticket, place, attempts, next) => found.set(spool.id(ticket), { ticket, domain: place.domain, attempts, next }),
            never,
          );
          expect([...found.keys()].sort()).toEqual([...known.keys()].sort());
          for (const [id, told] of found) {
            const message = known.get(id) as Known;
            expect({ ...told, reply: (await spool.read(told.ticket)).lastReply }, id).toEqual({ ...message, ticket: told.ticket });
            message.ticket = told.ticket;
          }
        };
        try {
          let time = 1_900_000_000_000;
          for (const [what, ...how] of acts) {
            time++;
            const chosen = typeof how[0] === 'number' ? [...known][how[0] % Math.max(1, known.size)] : undefined;
            if (what === 'write') {
              const [copy] = makeCopies([`u@${how[0]}`], { body: 'x'.repeat(500) });
              if (!copy) throw new Error('no copy');
              await spool.write([copy]);
              known.set(copy.id, { ticket: copy.ticket, domain: String(how[0]), attempts: 0, next: copy.nextAttempt, reply: '' });
            } else if (what === 'change' && chosen) {
              Object.assign(chosen[1], { attempts: chosen[1].attempts + 1, next: time, reply: `451 ${time}` });
              spool.change(chosen[1].ticket, chosen[1].attempts, time, chosen[1].reply);
            } else if (what === 'move' && chosen) {
              chosen[1].domain = how[1] as string;
              spool.move(chosen[1].ticket, { group: 'default', binding: 'default', domain: chosen[1].domain });
            } else if (what === 'gone' && chosen) {
              spool.gone(chosen[1].ticket);
              known.delete(chosen[0]);
            } else if (what === 'sweep') {
              for (const message of known.values())
                if (message.domain === how[0]) Object.assign(message, { next: time, reply: `554 ${time}` });
              await spool.changeAll({ domain: how[0] as string }, time, `554 ${time}`);
            } else if (what === 'restart') await restart();
          }
          await restart();
          // Everything there is, in indexes.
          await restart();
        } finally {
          await spool.close();
          fs.rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('is one record, however many they are', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-sweep-'));
    const spool = await SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder });
    try {
      await spool.recover(() => {}, never);
      for (let n = 0; n < 20; n++) await spool.write(makeCopies(Array.from({ length: 100 }, (_, i) => `u${i}@a.test`)));
      await spool.flush();
      const octets = (): number =>
        fs
          .readdirSync(folder)
          .filter((name) => name.startsWith('outcome'))
          .reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
      const before = octets();
      await spool.changeAll({ domain: 'a.test' }, 1, '554 all');
      expect(octets() - before).toBeLessThan(300);
      expect(octets()).toBeGreaterThan(before);
    } finally {
      await spool.close();
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('means all parts of a place that it does not name', () => {
    const place = 'g\nb\nd.test';
    expect(isThere({}, place)).toBe(true);
    expect(isThere({ group: 'g', domain: 'd.test' }, place)).toBe(true);
    expect(isThere({ binding: 'c' }, place)).toBe(false);
    expect(readPlace(place)).toEqual({ group: 'g', binding: 'b', domain: 'd.test' });
  });

  it('is applied to messages that recovery tells only after it', () => {
    const entry = {
      offset: 500,
      index: 0,
      idHigh: 1,
      idLow: 2,
      receivedAt: 0,
      attempts: 3,
      next: 7,
      flags: 0,
      weight: 1,
      place: 'g\nb\na.test',
      reply: '451 later',
      file: undefined,
    };
    const sweep = { end: { segment: 9, offset: 100 }, where: { domain: 'a.test' }, next: 99, reply: '554 all' };
    expect(applyLate(entry, 8, [sweep])).toMatchObject({ next: 99, reply: '554 all', attempts: 3 });
    expect(applyLate(entry, 9, [sweep])).toBe(entry);
    expect(applyLate({ ...entry, place: 'g\nb\nb.test' }, 8, [sweep])).toMatchObject({ next: 7 });
  });
});
