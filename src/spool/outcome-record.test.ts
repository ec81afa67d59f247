import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IndexEntry, type OutcomeReader, OutcomeWriter, readOutcomes, WHOLE } from './outcome-record.js';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const spot = fc.record({ segment: u32, offset: u32, index: fc.integer({ min: 0, max: 0xffff }) });
const word = fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\n', ' '));
const entry = fc.record({
  offset: u32,
  index: fc.integer({ min: 0, max: 0xffff }),
  idHigh: u32,
  idLow: u32,
  receivedAt: fc.double({ noNaN: true }),
  attempts: u32,
  next: fc.double({ noNaN: true }),
  flags: fc.integer({ min: 0, max: 255 }),
  place: fc.constantFrom('g\nb\nx.test', 'g\nb\ny.test'),
  reply: fc.constantFrom('', '451 later', '450 busy'),
});
const record = fc.oneof(
  fc.tuple(fc.constant('gone' as const), spot),
  fc.tuple(fc.constant('change' as const), spot, u32, fc.double({ noNaN: true }), word),
  fc.tuple(fc.constant('move' as const), spot, fc.record({ group: word, binding: word, domain: word })),
  fc.tuple(fc.constant('drop' as const), u32),
  fc.tuple(fc.constant('index' as const), u32, fc.constantFrom(WHOLE, 0, 77), fc.array(entry, { maxLength: 5 })),
);

describe('outcome records', () => {
  it('replay as they were written, in order', () => {
    const writer = new OutcomeWriter();
    fc.assert(
      fc.property(fc.array(record, { maxLength: 10 }), (records) => {
        const told: unknown[] = [];
        for (const each of records) {
          if (each[0] === 'gone') writer.gone(each[1].segment, each[1].offset, each[1].index);
          else if (each[0] === 'change') writer.change(each[1].segment, each[1].offset, each[1].index, each[2], each[3], each[4]);
          else if (each[0] === 'move') writer.move(each[1].segment, each[1].offset, each[1].index, each[2]);
          else if (each[0] === 'drop') writer.drop(each[1]);
          else {
            const at = writer.beginIndex(each[1], each[2]);
            for (const one of each[3]) writer.addEntry(one);
            writer.endIndex(at);
          }
        }
        let open: IndexEntry[] = [];
        const reader: OutcomeReader = {
          gone: (where) => void told.push(['gone', where]),
          change: (where, attempts, next, reply) => void told.push(['change', where, attempts, next, reply]),
          move: (where, place) => void told.push(['move', where, place]),
          drop: (segment) => void told.push(['drop', segment]),
          index: (segment, upTo) => {
            open = [];
            told.push(['index', segment, upTo, open]);
          },
          entry: (_segment, one) => void open.push(one),
        };
        for (const _ of readOutcomes(writer.take(), reader));
        expect(told).toEqual(records);
        expect(writer.length).toBe(0);
      }),
    );
  });

  it('throw RangeError at most, whatever the octets', () => {
    const silent: OutcomeReader = { gone() {}, change() {}, move() {}, drop() {}, index() {}, entry() {} };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        try {
          for (const _ of readOutcomes(Buffer.from(octets), silent));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
