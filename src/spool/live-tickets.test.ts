import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ForgetfulDisk } from '../../test/crash/forgetful-disk.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { HEAD_BYTES, keyFrom } from './file-head.js';
import { listLive, sliceLive } from './live-tickets.js';
import { WHOLE } from './outcome-tags.js';
import { Part } from './part.js';
import { Segment } from './segment.js';
import { fillOptions } from './spool-options.js';
import { Stock } from './stock.js';

const about = {
  index: 0,
  idHigh: 1,
  idLow: 1,
  receivedAt: 0,
  attempts: 0,
  next: 0,
  flags: 0,
  place: 'g\nb\nd',
  reply: '',
  weight: 9,
  file: undefined,
};

const stage = async (count: number) => {
  const disk = new ForgetfulDisk();
  const stock = new Stock();
  const part = await Part.open(stock, '/p/0', fillOptions({ disk, clock: new VirtualClock() }));
  const segments: Segment[] = [];
  for (let n = 0; n < count; n++) {
    const file = await disk.open(`/p/0/f${n}`, 'create');
    const segment = new Segment(part, n + 1, keyFrom(Buffer.alloc(8)), file, HEAD_BYTES + 1_000_000);
    part.add(segment);
    segments.push(segment);
  }
  return { stock, segments };
};

describe('live tickets', () => {
  it('are listed by segment, and sliced so that every one is in one slice, those of a frame together, without gaps', async () => {
    const { stock, segments } = await stage(3);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 900 })), { maxLength: 40 }),
        async (frames) => {
          const tickets = frames.flatMap(([n, place, copies]) =>
            Array.from({ length: copies }, () => stock.adopt(segments[n] as Segment, { ...about, offset: HEAD_BYTES + place * 7919 })),
          );
          const live = await listLive(stock.table, segments);
          const seen: number[] = [];
          for (const segment of segments) {
            const list = live.get(segment);
            if (!list) throw new RangeError('no list');
            expect(list.end).toBe(segment.size);
            let at = 0;
            const offsets = new Set<number>();
            for (const { from, to, tickets: slice } of sliceLive(segment, list)) {
              expect([from, to > from]).toEqual([at, true]);
              // A start after a stop between two slices reads on here.
              if (from > 0) expect(frames.some(([, place]) => from === HEAD_BYTES + place * 7919)).toBe(true);
              at = to;
              const here = new Set<number>();
              for (const ticket of slice) {
                const offset = stock.table.offset[ticket] as number;
                expect(offset >= from && offset < to && !offsets.has(offset)).toBe(true);
                here.add(offset);
                seen.push(ticket);
              }
              for (const offset of here) offsets.add(offset);
              if (here.size > 1) expect(slice.length).toBeLessThan(4000);
            }
            expect(at).toBe(segment.size);
          }
          expect(seen.sort((a, b) => a - b)).toEqual([...tickets].sort((a, b) => a - b));
          for (const ticket of tickets) {
            stock.unsettle(ticket);
            stock.table.give(ticket);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('leave out what lands while they are listed; a sealed segment is told to its end', async () => {
    const { stock, segments } = await stage(2);
    const [open, sealed] = segments as [Segment, Segment];
    sealed.sealed = true;
    const early = stock.adopt(open, { ...about, offset: HEAD_BYTES });
    const listing = listLive(stock.table, segments);
    open.size += 500;
    stock.adopt(open, { ...about, offset: open.size - 500 });
    const live = await listing;
    expect([...(live.get(open)?.tickets ?? [])]).toEqual([early]);
    const slices = [...sliceLive(sealed, live.get(sealed) ?? { end: 0, tickets: new Uint32Array() })];
    expect(slices.map(({ from, to }) => [from, to])).toEqual([[0, WHOLE]]);
  });
});
