import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldWriter, readFields } from './fields.js';

const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 40_000 }),
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.double({ noNaN: true }),
);

describe('fields', () => {
  it('read as they were written, nested or not', () => {
    const writer = new FieldWriter();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 255 }), value), { maxLength: 12 }), (fields) => {
        const outer = writer.begin(200);
        for (const [tag, each] of fields) {
          if (typeof each === 'string') writer.text(tag, each);
          else if (typeof each !== 'number') writer.octets(tag, each);
          else if (Number.isInteger(each) && each >= 0 && each <= 0xffff_ffff && !Object.is(each, -0)) writer.u32(tag, each);
          else writer.f64(tag, each);
        }
        writer.end(outer);
        expect(writer.length).toBeGreaterThanOrEqual(5);
        const bytes = writer.take();
        expect(writer.length).toBe(0);
        const [whole, ...none] = [...readFields(bytes)];
        expect([whole?.tag, none]).toEqual([200, []]);
        const inner = [...readFields(bytes, whole?.from, whole?.to)];
        expect(inner.map(({ tag }) => tag)).toEqual(fields.map(([tag]) => tag));
        inner.forEach(({ from, to }, n) => {
          const each = fields[n]?.[1];
          if (typeof each === 'string') expect(bytes.toString('utf8', from, to)).toBe(Buffer.from(each, 'utf8').toString('utf8'));
          else if (typeof each === 'number') expect(to - from === 4 ? bytes.readUInt32BE(from) : bytes.readDoubleBE(from)).toBe(each);
          else expect(bytes.subarray(from, to).equals(each ?? Buffer.alloc(0))).toBe(true);
        });
      }),
    );
  });

  it('never read over the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
        const bytes = Buffer.from(octets);
        try {
          for (const { from, to } of readFields(bytes)) expect(from <= to && to <= bytes.length).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('forgets what was begun', () => {
    const writer = new FieldWriter();
    writer.u32(1, 2);
    writer.clear();
    expect(writer.take().length).toBe(0);
  });
});
