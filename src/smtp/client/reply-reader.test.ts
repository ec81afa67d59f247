import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INCOMPLETE, MALFORMED, REPLY_LIMITS, ReplyReader } from './reply-reader.js';

/** All replies of a stream that arrives in these pieces; ends at the first that is malformed. */
function readAll(pieces: readonly Buffer[]): string[] {
  const reader = new ReplyReader();
  const found: string[] = [];
  for (const piece of pieces) {
    reader.push(piece, piece.length);
    for (let code = reader.next(); code !== INCOMPLETE; code = reader.next()) {
      if (code === MALFORMED) return [...found, `malformed: ${reader.fault}`];
      found.push(reader.oneLine());
    }
  }
  return found;
}
const read = (text: string): string[] => readAll([Buffer.from(text, 'latin1')]);

const cut = (whole: Buffer, points: readonly number[]): Buffer[] => {
  const at = [...new Set(points.map((p) => p % (whole.length + 1)))].sort((a, b) => a - b);
  return [...at, whole.length].map((end, i) => whole.subarray(i === 0 ? 0 : at[i - 1], end));
};

describe('ReplyReader', () => {
  it.each([
    ['250 ok\r\n', ['250 ok']],
    ['250\r\n', ['250']],
    ['250 \r\n', ['250']],
    ['250-one\r\n250-two\r\n250 three\r\n', ['250 one two three']],
    ['250 ok\n', ['250 ok']],
    ['250 a\r\n354 b\r\n', ['250 a', '354 b']],
    ['250 a\tb\x07c\r\n', ['250 a b c']],
    ['250-half', []],
  ])('reads %j', (text, replies) => {
    expect(read(text)).toEqual(replies);
  });

  it.each([
    ['25\r\n', 'no reply code'],
    ['2x0 ok\r\n', 'no reply code'],
    ['150 ok\r\n', 'no reply code'],
    ['600 ok\r\n', 'no reply code'],
    ['250ok\r\n', 'no blank behind the reply code'],
    ['250-a\r\n251 b\r\n', 'mixed reply codes'],
    ['250 a\0b\r\n', 'NUL in reply'],
    [`250 ${'x'.repeat(REPLY_LIMITS.lineBytes)}\r\n`, 'line too long'],
    ['x'.repeat(REPLY_LIMITS.lineBytes + 1), 'line too long'],
    ['250-x\r\n'.repeat(REPLY_LIMITS.lines), 'too many lines'],
    [`250-${'x'.repeat(2000)}\r\n`.repeat(33), 'reply too long'],
  ])('refuses %j', (text, fault) => {
    expect(read(text)).toEqual([`malformed: ${fault}`]);
  });

  it('takes as many lines as the limit', () => {
    expect(read(`${'250-x\r\n'.repeat(REPLY_LIMITS.lines - 1)}250 y\r\n`)).toHaveLength(1);
  });

  it('does not care where the stream is cut', () => {
    const line = fc.tuple(fc.integer({ min: 200, max: 599 }), fc.array(fc.stringMatching(/^[ -~]{0,40}$/), { minLength: 1, maxLength: 5 }));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 30 }), (replies, points) => {
        const wire = replies
          .map(([code, texts]) => texts.map((text, i) => `${code}${i < texts.length - 1 ? '-' : ' '}${text}\r\n`).join(''))
          .join('');
        const whole = Buffer.from(wire, 'latin1');
        expect(readAll(cut(whole, points))).toEqual(replies.map(([code, texts]) => `${code} ${texts.join(' ')}`.trim()));
      }),
    );
  });

  it('never gives the same octets two meanings, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 10 }), (octets, points) => {
        const whole = Buffer.from(octets);
        expect(readAll(cut(whole, points))).toEqual(readAll([whole]));
      }),
    );
  });

  it('looks at the given length of a shared buffer only', () => {
    const reader = new ReplyReader();
    const shared = Buffer.from('250 first\r\n250 stale\r\n');
    reader.push(shared, 11);
    expect(reader.next()).toBe(250);
    expect(reader.oneLine()).toBe('250 first');
    expect(reader.hasMore).toBe(false);
    expect(reader.next()).toBe(INCOMPLETE);
    reader.push(shared, 5);
    expect(reader.next()).toBe(INCOMPLETE);
    shared.write('!!!!!!!!');
    reader.push(Buffer.from('irst\r\n'), 6);
    expect(reader.next()).toBe(250);
    expect(reader.oneLine()).toBe('250 first');
  });
});
