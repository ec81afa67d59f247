import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCopies } from '../../test/fixtures/copies.js';
import { encodeHead, findMagic, isWhole, KIND, lengthOf, readHead } from './frame.js';
import { encodeReception } from './reception-record.js';
import { scanSegment } from './scan.js';

const frame = (body: string): Buffer => Buffer.concat(encodeReception(makeCopies(['a@x.test'], { body })).parts);

interface Seen {
  readonly at: readonly number[];
  readonly damaged: readonly (readonly [offset: number, length: number, torn: boolean])[];
  readonly end: number;
}
const scan = (bytes: Buffer, from = 0): Seen => {
  const at: number[] = [];
  const damaged: [number, number, boolean][] = [];
  const end = scanSegment(bytes, from, {
    reception: (offset) => void at.push(offset),
    damaged: (offset, octets, torn) => void damaged.push([offset, octets.length, torn]),
  });
  return { at, damaged, end };
};

describe('a frame', () => {
  it('has a head that says how long it is, and a checksum over all of it', () => {
    const meta = Buffer.from('meta');
    const data = [Buffer.from('one'), Buffer.from('two')];
    const bytes = Buffer.concat([Buffer.from('..'), encodeHead(KIND.outcomes, meta, data), meta, ...data]);
    const head = readHead(bytes, 2);
    expect(head).toMatchObject({ kind: KIND.outcomes, metaLength: 4, dataLength: 6 });
    if (!head) return;
    expect(lengthOf(head)).toBe(bytes.length - 2);
    expect(isWhole(bytes, 2, head)).toBe(true);
    expect(isWhole(bytes.subarray(0, -1), 2, head)).toBe(false);
    expect(readHead(bytes, 0)).toBeUndefined();
    expect(readHead(bytes.subarray(0, 10), 2)).toBeUndefined();
    expect([findMagic(bytes, 0), findMagic(bytes, 3)]).toEqual([2, -1]);
  });
});

describe('scanSegment', () => {
  it('goes from frame to frame, past kinds it does not know', () => {
    const [one, two] = [frame('one'), frame('two')];
    const blank = encodeHead(KIND.blank, Buffer.alloc(0), []);
    const bytes = Buffer.concat([one, blank, two]);
    expect(scan(bytes)).toEqual({ at: [0, one.length + blank.length], damaged: [], end: bytes.length });
    expect(scan(bytes, one.length)).toEqual({ at: [one.length + blank.length], damaged: [], end: bytes.length });
    expect(scan(Buffer.alloc(0))).toEqual({ at: [], damaged: [], end: 0 });
  });

  it('hands out what is damaged and goes on behind it; a torn end is told as such', () => {
    const [one, two, three] = [frame('one'), frame('two'), frame('three')];
    two[40] = (two[40] ?? 0) ^ 1;
    const bytes = Buffer.concat([one, two, three, frame('four').subarray(0, 50)]);
    const end = one.length + two.length + three.length;
    expect(scan(bytes)).toEqual({
      at: [0, one.length + two.length],
      damaged: [
        [one.length, two.length, false],
        [end, 50, true],
      ],
      end,
    });
  });

  it('takes a frame with a good checksum and no meaning for damage', () => {
    const meta = Buffer.from([4, 0, 0, 0, 200]);
    const bytes = Buffer.concat([encodeHead(KIND.reception, meta, []), meta]);
    expect(scan(bytes)).toEqual({ at: [], damaged: [[0, bytes.length, true]], end: 0 });
  });

  it('accounts for every octet of anything', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(frame('good')), fc.uint8Array({ maxLength: 60 })), { maxLength: 6 }), (parts) => {
        const bytes = Buffer.concat(parts);
        let told = 0;
        const { damaged, at } = scan(bytes);
        for (const [, length] of damaged) told += length;
        expect(told + at.length * frame('good').length).toBe(bytes.length);
      }),
    );
  });
});
