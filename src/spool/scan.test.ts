import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCopies } from '../../test/fixtures/copies.js';
import { encodeReception } from './encode-reception.js';
import { keyFrom } from './file-head.js';
import { closeFrame, FRAME_HEAD, findMagic, isWhole, KIND, type Kind, lengthOf, markFrame, readHead } from './frame.js';
import { scanFrames } from './scan.js';
import { sketchReception } from './sketch-reception.js';

const KEY = keyFrom(Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]));
const frame = (body: string): Buffer => {
  const { front, rest } = encodeReception(makeCopies(['a@x.test'], { body }));
  markFrame(KEY, front);
  return Buffer.concat([front, ...rest]);
};
const frameOf = (kind: Kind, meta: Buffer, data: readonly Buffer[]): Buffer => {
  const front = Buffer.concat([Buffer.alloc(FRAME_HEAD), meta]);
  closeFrame(kind, front, meta.length, data);
  markFrame(KEY, front);
  return Buffer.concat([front, ...data]);
};

interface Seen {
  readonly at: readonly number[];
  readonly damaged: readonly (readonly [offset: number, length: number, torn: boolean])[];
  readonly end: number;
}
const scan = async (bytes: Buffer, from = 0): Promise<Seen> => {
  const at: number[] = [];
  const damaged: [number, number, boolean][] = [];
  const events = {
    frame(offset: number, { kind }: { readonly kind: number }, meta: Buffer): boolean {
      if (kind !== KIND.reception) return true;
      try {
        sketchReception(meta);
      } catch {
        return false;
      }
      at.push(offset);
      return true;
    },
    damaged: (offset: number, to: number, torn: boolean) => void damaged.push([offset, to - offset, torn]),
  };
  const end = await scanFrames(KEY, bytes, events, from);
  return { at, damaged, end };
};

describe('a frame', () => {
  it('has a head that says how long it is, and a checksum over all of it', () => {
    const meta = Buffer.from('meta');
    const data = [Buffer.from('one'), Buffer.from('two')];
    const bytes = Buffer.concat([Buffer.from('..'), frameOf(KIND.outcomes, meta, data)]);
    const head = readHead(KEY, bytes, 2);
    expect(head).toMatchObject({ kind: KIND.outcomes, metaLength: 4, dataLength: 6 });
    if (!head) return;
    expect(lengthOf(head)).toBe(bytes.length - 2);
    expect(isWhole(KEY, bytes, 2, head)).toBe(true);
    expect(isWhole(KEY, bytes.subarray(0, -1), 2, head)).toBe(false);
    expect(readHead(KEY, bytes, 0)).toBeUndefined();
    expect(readHead(KEY, bytes.subarray(0, 10), 2)).toBeUndefined();
    expect([findMagic(KEY, bytes, 0), findMagic(KEY, bytes, 3)]).toEqual([2, -1]);
    const other = { magic: KEY.magic, seed: KEY.seed ^ 1 };
    expect(isWhole(other, bytes, 2, head)).toBe(false);
  });
});

describe('scanFrames', () => {
  it('goes from frame to frame, past kinds it does not know, up to the zeros', async () => {
    const [one, two] = [frame('one'), frame('two')];
    const blank = frameOf(KIND.aborted, Buffer.alloc(0), []);
    const bytes = Buffer.concat([one, blank, two]);
    const all = { at: [0, one.length + blank.length], damaged: [], end: bytes.length };
    expect(await scan(bytes)).toEqual(all);
    expect(await scan(Buffer.concat([bytes, Buffer.alloc(5000)]))).toEqual(all);
    expect(await scan(bytes, one.length)).toEqual({ at: [one.length + blank.length], damaged: [], end: bytes.length });
    expect(await scan(Buffer.alloc(0))).toEqual({ at: [], damaged: [], end: 0 });
  });

  it('hands out what is damaged and goes on behind it; a torn end is told as such', async () => {
    const [one, two, three] = [frame('one'), frame('two'), frame('three')];
    two[40] = (two[40] ?? 0) ^ 1;
    const torn = frame('four').subarray(0, -1);
    const bytes = Buffer.concat([one, two, three, torn]);
    const end = one.length + two.length + three.length;
    const seen = {
      at: [0, one.length + two.length],
      damaged: [
        [one.length, two.length, false],
        [end, torn.length, true],
      ],
      end,
    };
    expect(await scan(bytes)).toEqual(seen);
    expect(await scan(Buffer.concat([bytes, Buffer.alloc(300)]))).toEqual(seen);
  });

  it('takes a frame with a good checksum and no meaning for damage', async () => {
    const meta = Buffer.from([4, 0, 0, 0, 200]);
    const bytes = frameOf(KIND.reception, meta, []);
    expect(await scan(bytes)).toEqual({ at: [], damaged: [[0, bytes.length, true]], end: 0 });
  });

  it('accounts for every octet of anything', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constant(frame('good')), fc.uint8Array({ maxLength: 60, min: 1 })), { maxLength: 6 }),
        async (parts) => {
          const bytes = Buffer.concat(parts);
          let told = 0;
          const { damaged, at } = await scan(bytes);
          for (const [, length] of damaged) told += length;
          expect(told + at.length * frame('good').length).toBe(bytes.length);
        },
      ),
    );
  });
});
