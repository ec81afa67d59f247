import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCopies, textOf } from '../../test/fixtures/copies.js';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { Copy } from '../module/copy.js';
import type { Body, Reception } from '../module/message.js';
import { FRAME_HEAD, readHead } from './frame.js';
import { decodeReception, encodeReception, sketchReception } from './reception-record.js';

const noLarge = (): Body => {
  throw new RangeError('no body with a file here');
};
const split = (record: { readonly parts: readonly Uint8Array[] }): { readonly meta: Buffer; readonly data: Buffer } => {
  const bytes = Buffer.concat(record.parts);
  const head = readHead(bytes, 0);
  const dataAt = FRAME_HEAD + (head?.metaLength ?? 0);
  return { meta: bytes.subarray(FRAME_HEAD, dataAt), data: bytes.subarray(dataAt) };
};
const facts = (from: Readonly<Record<string, string>>): Facts => {
  const made = new Facts();
  for (const [key, value] of Object.entries(from)) made.set(key, value);
  return made;
};

/** Copies with everything set that a record can hold. */
function full(): readonly Copy[] {
  const [model] = makeCopies(['a@x.test']) as [Copy];
  const reception: Reception = {
    ...model.reception,
    protocol: 'lmtp',
    source: { ip: '2001:db8::1', port: 65_535 },
    local: { ip: '192.0.2.9', port: 25 },
    sender: new Address('señder', 'ümlaut.test'),
    facts: facts({ connection: 'yes' }),
    helo: 'client.test',
    user: 'alice',
    pathway: 'p1',
    smtpUtf8: true,
    envelopeId: 'e+1',
    returnContent: 'headers',
  };
  const other = new Headers(Buffer.from('Subject: other\r\n\r\n'));
  return ['one', 'two', 'three'].map((name, n) => {
    const [{ id }] = makeCopies(['x@y.test']) as [Copy];
    const copy = new Copy(
      id,
      reception,
      [new Address(name, 'x.test')],
      n === 1 ? other : model.headers,
      model.content,
      facts({ n: `${n}` }),
    );
    copy.place = { group: 'g', binding: 'b', domain: `d${n}.test`, index: 4 };
    copy.notify = n;
    copy.originalRecipient = `rfc822;${name}`;
    copy.priority = n === 2 ? 1 : 0;
    copy.attempts = n * 7;
    copy.nextAttempt = 1_900_000_000_000 + n;
    copy.lastReply = n === 0 ? '' : '451 später';
    copy.quarantined = n === 1 ? 'looks bad' : undefined;
    copy.notice = n === 2;
    return copy;
  });
}

describe('a reception record', () => {
  it('gives every copy back as it was', async () => {
    const copies = full();
    const record = encodeReception(copies);
    expect(Buffer.concat(record.parts).length).toBe(record.length);
    const { meta, data } = split(record);
    const read = decodeReception(meta, data, noLarge);
    for (const [n, copy] of copies.entries()) {
      const back = read[n] as Copy;
      expect(await textOf(back)).toBe(await textOf(copy));
      expect(String(back.recipient)).toBe(String(copy.recipient));
      expect(String(back.sender)).toBe('señder@ümlaut.test');
      const { id, notify, originalRecipient, priority, attempts, nextAttempt, lastReply, quarantined, notice } = copy;
      expect(back).toMatchObject({ id, notify, originalRecipient, priority, attempts, nextAttempt, lastReply, quarantined, notice });
      expect(back.place).toEqual({ ...copy.place, index: -1 });
      expect([...back.facts]).toEqual([...copy.facts]);
      const { sender: _s, facts: context, ...rest } = back.reception;
      const { sender: _t, facts: _f, ...expected } = copy.reception;
      expect(rest).toEqual(expected);
      expect([...context]).toEqual([['connection', 'yes']]);
    }
    expect(sketchReception(meta).copies).toEqual(
      copies.map(({ attempts, nextAttempt, priority, lastReply, place: { group, binding, domain } }) => ({
        idHigh: expect.any(Number),
        idLow: expect.any(Number),
        place: { group, binding, domain },
        attempts,
        nextAttempt,
        priority,
        lastReply,
      })),
    );
  });

  it('stores a header block once for all that share it, and the body once', () => {
    const alone = encodeReception(makeCopies(['a@x.test'], { body: 'b'.repeat(9000) })).length;
    const many = encodeReception(makeCopies(['a@x.test', 'b@x.test', 'c@x.test'], { body: 'b'.repeat(9000) })).length;
    expect(many - alone).toBeLessThan(300);
  });

  it('names what it ends, where compaction took it from, and a body with a file', () => {
    const content: Body = { size: 12_345, dots: true, eightBit: true, resident: undefined, file: 'x.body', async *read() {} };
    const copies = makeCopies(['a@x.test'], { content });
    const ends = [{ segment: 7, offset: 0xffff_0000, index: 65_535 }];
    const { meta, data } = split(encodeReception(copies, { movedFrom: 3, ends }));
    expect(sketchReception(meta)).toMatchObject({ movedFrom: 3, ends, file: 'x.body' });
    const asked: unknown[] = [];
    decodeReception(meta, data, (...words) => {
      asked.push(words);
      return content;
    });
    expect(asked).toEqual([['x.body', 12_345, true, true]]);
  });

  it('refuses more context than 64 KiB, and none at all', () => {
    const copies = makeCopies(['a@x.test', 'b@x.test'], { facts: { much: 'x'.repeat(40_000) } });
    expect(() => encodeReception(copies)).toThrow(expect.objectContaining({ code: 'SPOOL_TOO_MUCH_CONTEXT' }));
    expect(() => encodeReception([])).toThrow(RangeError);
    expect(encodeReception(makeCopies(['a@x.test'])).length).toBeGreaterThan(0);
  });

  it('is not read when something of it is missing', () => {
    const { meta } = split(encodeReception(makeCopies(['a@x.test'])));
    expect(() => sketchReception(Buffer.alloc(0))).toThrow(expect.objectContaining({ code: 'SPOOL_NOT_COMMITTED' }));
    expect(() => decodeReception(Buffer.alloc(0), Buffer.alloc(0), noLarge)).toThrow(
      expect.objectContaining({ code: 'SPOOL_NOT_COMMITTED' }),
    );
    const { meta: mine, data } = split(encodeReception(makeCopies(['a@x.test'])));
    // The first field of a copy is its id, the second its recipient: under a tag that nobody knows there is none.
    const at = mine.indexOf('a\nx.test') - 5;
    mine[at] = 250;
    expect(() => decodeReception(mine, data, noLarge)).toThrow(expect.objectContaining({ code: 'SPOOL_NOT_COMMITTED' }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: meta.length - 1 }), (cut) => {
        expect(() => sketchReception(meta.subarray(0, cut))).toThrow();
      }),
    );
  });
});
