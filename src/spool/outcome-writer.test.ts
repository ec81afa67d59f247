import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_HEAD } from './frame.js';
import { type OutcomeReader, readIndex, readOutcomes } from './outcome-reader.js';
import { WHOLE } from './outcome-tags.js';
import { OutcomeWriter } from './outcome-writer.js';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u48 = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const spot = fc.record({ segment: u48, offset: u32, index: fc.integer({ min: 0, max: 0xffff }) });
const word = fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\n', ' '));
const entry = fc.record({
  offset: u32,
  index: fc.integer({ min: 0, max: 0xffff }),
  idHigh: u32,
  idLow: u32,
  receivedAt: u48,
  attempts: u16,
  next: u48,
  flags: fc.integer({ min: 0, max: 255 }),
  place: fc.constantFrom('g\nb\nx.test', 'g\nb\ny.test'),
  reply: fc.constantFrom('', '451 later', '450 busy'),
  file: fc.constantFrom(undefined, '1.body', '2.body'),
  weight: u32,
});
const record = fc.oneof(
  fc.tuple(fc.constant('gone' as const), spot),
  fc.tuple(fc.constant('change' as const), spot, u32, fc.double({ noNaN: true }), word),
  fc.tuple(fc.constant('move' as const), spot, word),
  fc.tuple(fc.constant('drop' as const), u48),
  fc.tuple(
    fc.constant('sweep' as const),
    fc.record({
      end: fc.record({ segment: u48, offset: u32 }),
      where: fc.record({ group: word, binding: word, domain: word }, { requiredKeys: [] }),
      next: fc.double({ noNaN: true }),
      reply: word,
    }),
  ),
  fc.tuple(fc.constant('many' as const), u48, fc.array(u16, { maxLength: 4 })),
  fc.tuple(fc.constant('index' as const), u48, u32, fc.constantFrom(WHOLE, 0, 77), fc.array(entry, { maxLength: 5 })),
);

describe('outcome records', () => {
  it('replay as they were written, in order', () => {
    const writer = new OutcomeWriter();
    fc.assert(
      fc.property(fc.array(record, { maxLength: 10 }), (records) => {
        const told: unknown[] = [];
        for (const each of records) {
          if (each[0] === 'gone') writer.gone(each[1].segment, each[1].offset, each[1].index);
          else if (each[0] === 'change') writer.change(each[1], each[2], each[3], each[4]);
          else if (each[0] === 'move') writer.move(each[1], each[2]);
          else if (each[0] === 'drop') writer.drop(each[1]);
          else if (each[0] === 'sweep') writer.sweep(each[1]);
          else if (each[0] === 'many')
            writer.many(
              each[1],
              each[2].flatMap((index) => [index * 3, index]),
            );
          else writer.index(each[1], each[2], each[3], each[4]);
        }
        const reader: OutcomeReader = {
          gone: (segment, offset, index) => void told.push(['gone', { segment, offset, index }]),
          change: (where, attempts, next, reply) => void told.push(['change', where, attempts, next, reply]),
          move: (where, place) => void told.push(['move', where, place]),
          drop: (segment) => void told.push(['drop', segment]),
          sweep: (sweep) => void told.push(['sweep', sweep]),
          index: (segment, from, to, octets) => void told.push(['index', segment, from, to, [...readIndex(octets)]]),
        };
        readOutcomes(writer.take().subarray(FRAME_HEAD), reader);
        expect(told).toEqual(
          records.flatMap((each): unknown[] =>
            each[0] === 'many' ? each[2].map((index) => ['gone', { segment: each[1], offset: index * 3, index }]) : [each],
          ),
        );
        expect(writer.length).toBe(0);
      }),
    );
  });

  it('throw RangeError at most, whatever the octets', () => {
    const silent: OutcomeReader = {
      gone() {},
      change() {},
      move() {},
      drop() {},
      sweep() {},
      index: (_segment, _from, _to, octets) => void [...readIndex(octets)],
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        try {
          readOutcomes(Buffer.from(octets), silent);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
