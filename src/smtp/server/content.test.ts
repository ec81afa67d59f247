/** The content of a message: in memory, in a store, and refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inboundValues } from '../../../test/fuzz/smtp-rehearsal.js';
import type { InboundValues } from '../../config/snapshot.js';
import { ResidentBody } from '../../module/copy.js';
import type { LargeBody } from '../../module/spool.js';
import { Content } from './content.js';
import type { ReceivedContent } from './reception.js';

class MemoryStore implements LargeBody {
  readonly slices: Buffer[] = [];
  abandoned = false;
  readonly #slow: boolean;

  constructor(slow = false) {
    this.#slow = slow;
  }

  write(chunk: Uint8Array): Promise<void> | void {
    this.slices.push(Buffer.from(chunk));
    return this.#slow ? new Promise((done) => setImmediate(done)) : undefined;
  }

  async finish(facts: { readonly dots: boolean; readonly eightBit: boolean }) {
    const all = Buffer.concat(this.slices);
    return new ResidentBody([all], all.length, facts.dots, facts.eightBit);
  }

  async abandon(): Promise<void> {
    this.abandoned = true;
  }
}

const textOf = (ready: ReceivedContent): [string, string] => [
  ready.header.toString('latin1'),
  Buffer.concat(ready.body.resident ?? []).toString('latin1'),
];

/** Takes a whole text in pieces, through memory or through a store that is opened after `storeAfter` pieces. */
async function take(text: string, cuts: readonly number[], changes: Partial<InboundValues>, chunked: boolean, storeAfter = -1) {
  const content = new Content(inboundValues(changes), 'mx.test', chunked ? 'chunks' : 'data', 0);
  const bytes = Buffer.from(text, 'latin1');
  const borders = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const store = new MemoryStore(cuts.length % 2 === 0);
  let at = 0;
  let piece = 0;
  for (const border of borders) {
    const chunk = bytes.subarray(at, border);
    at = border;
    if (chunk.length > 0 && chunked) content.takeChunk(chunk);
    else if (chunk.length > 0 && content.takeDotted(chunk, 0) >= 0) break;
    if (piece++ === storeAfter && !content.draining) content.storeIn(store);
    if (!content.draining) await content.spill();
  }
  const refusal = content.judge();
  if (refusal) {
    await content.abandon();
    return { refusal, store };
  }
  const ready = await content.finish();
  return 'code' in ready ? { refusal: ready, store } : { ready, store };
}

const part = fc.constantFrom(
  '\r\n',
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  'a: b',
  '.',
  '..',
  'text',
  '\0',
  'Subject: x\r\n',
  '\xe9',
  '\n\n',
  '\n.\n',
);
const texts = fc.array(part, { maxLength: 25 }).map((parts) => parts.join(''));
const fix = { rfc2822_lone_lf_in_body: 'fix', rfc2822_lone_lf_in_headers: 'fix' } as const;

describe('content', () => {
  it('comes out the same from memory and from a store, however it was cut', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(300), { maxLength: 6 }), fc.nat(4), fc.boolean(), async (text, cuts, storeAfter, chunked) => {
        const whole = chunked ? text : `${text}\r\n.\r\n`;
        const resident = await take(whole, [], fix, chunked);
        const stored = await take(whole, cuts, fix, chunked, storeAfter);
        if (!resident.ready || !stored.ready) throw new Error('refused');
        expect(textOf(stored.ready)).toEqual(textOf(resident.ready));
        expect(stored.ready.body.dots).toBe(resident.ready.body.dots);
        expect(stored.ready.size).toBe(resident.ready.size);
      }),
      { numRuns: 600 },
    );
  });

  it('is canonical after a repair: CRLF only, no NUL, dots told', async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { ready } = await take(`${text}\r\n.\r\n`, [], fix, false);
        if (!ready) throw new Error('refused');
        const [header, body] = textOf(ready);
        expect(header + body).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/);
        expect(header === '' || header.endsWith('\r\n\r\n')).toBe(true);
        expect(body === '' || body.endsWith('\r\n')).toBe(true);
        expect(ready.body.dots).toBe(/^\./m.test(body));
        expect(ready.size).toBe(header.length + body.length);
      }),
      { numRuns: 600 },
    );
  });

  it('refuses every lone CR or LF by default, and keeps the rest octet by octet', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(300), { maxLength: 6 }), async (text, cuts) => {
        const { refusal, ready } = await take(text, cuts, {}, true);
        const wrong = /\r(?!\n)|(?<!\r)\n|\0/.test(text);
        expect(refusal !== undefined).toBe(wrong);
        if (ready) expect(textOf(ready).join('').startsWith(text.replace(/^\r\n/, ''))).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('lets the store go when the message is refused', async () => {
    const { refusal, store } = await take('a: b\r\n\r\nx\ny\r\n.\r\n', [10, 12], {}, false, 0);
    expect(refusal?.code).toBe(550);
    expect(store.abandoned).toBe(true);
  });
});
