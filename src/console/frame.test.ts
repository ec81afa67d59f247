import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asAnswer, asRequest, encodeFrame, FrameReader, type Request } from './frame.js';

const sized = (length: number, body = ''): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return Buffer.concat([head, Buffer.from(body)]);
};

describe('frames', () => {
  it('come out as they went in, however they are cut', () => {
    const request = fc.record({ id: fc.integer(), command: fc.string({ unit: 'grapheme' }), json: fc.boolean() });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (requests, cuts) => {
        const bytes = Buffer.concat(requests.map(encodeFrame));
        const reader = new FrameReader(1 << 20);
        const read: (Request | undefined)[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const next = at + (cuts[cut % cuts.length] ?? 1);
          read.push(...reader.push(bytes.subarray(at, next)).map(asRequest));
          at = next;
        }
        expect(read).toEqual(requests);
      }),
    );
  });

  it('wait for what is missing', () => {
    const reader = new FrameReader(100);
    expect(reader.push(sized(2).subarray(0, 3))).toEqual([]);
    expect(reader.push(sized(2).subarray(3))).toEqual([]);
    expect(reader.push(Buffer.from('{'))).toEqual([]);
    expect(reader.push(Buffer.from('}'))).toEqual([{}]);
  });

  it('may be as large as the limit and not an octet larger, whatever follows', () => {
    const body = `"${'x'.repeat(98)}"`;
    expect(new FrameReader(100).push(sized(100, body))).toEqual(['x'.repeat(98)]);
    expect(() => new FrameReader(99).push(sized(100, body))).toThrow('a frame of 100 bytes is larger than 99');
    expect(() => new FrameReader(99).push(sized(0xffff_ffff))).toThrow(RangeError);
  });

  it.each([
    ['an empty frame', sized(0)],
    ['no JSON', sized(3, 'abc')],
    ['half a JSON', sized(3, '{"a')],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ])('throw on %s', (_what, bytes) => {
    expect(() => new FrameReader(1 << 20).push(bytes)).toThrow();
  });

  it('never come out of garbage but by JSON', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const reader = new FrameReader(64);
        try {
          for (const frame of reader.push(Buffer.from(bytes))) expect(JSON.parse(JSON.stringify(frame))).toEqual(frame);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});

describe('what a frame means', () => {
  it.each([[null], [1], ['help'], [[]], [{}], [{ id: 1 }], [{ id: '1', command: 'help' }], [{ id: 1, command: ['help'] }]])(
    '%j is no request',
    (frame) => {
      expect(asRequest(frame)).toBeUndefined();
    },
  );

  it('a request has a number and a line; json is off unless it is true', () => {
    expect(asRequest({ id: 1, command: 'help', json: 'yes', more: 1 })).toEqual({ id: 1, command: 'help', json: false });
    expect(asRequest({ id: 1, command: 'help', json: true })).toEqual({ id: 1, command: 'help', json: true });
  });

  it.each([[null], [undefined], ['x'], [{ id: 1 }], [{ id: '1', ok: true }]])('%j is no answer', (frame) => {
    expect(asAnswer(frame)).toBeUndefined();
  });

  it('an answer has text or data', () => {
    expect(asAnswer({ id: 1, ok: true, text: 't' })).toEqual({ id: 1, ok: true, text: 't' });
    expect(asAnswer({ id: 1, ok: true, data: null, text: 2 })).toEqual({ id: 1, ok: true, data: null });
  });
});
