import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ForgetfulDisk } from '../../test/crash/forgetful-disk.js';
import { makeCopies, textOf } from '../../test/fixtures/copies.js';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { Copy } from '../module/copy.js';
import type { Body, Reception } from '../module/message.js';
import { DecodedReception } from './decode-reception.js';
import { type EncodedFrame, encodeReception } from './encode-reception.js';
import { keyFrom } from './file-head.js';
import { FRAME_HEAD, isWhole, lengthOf, markFrame, readHead } from './frame.js';
import { FileBody } from './large.js';
import { viewReception } from './reception-view.js';
import { rewriteReception } from './rewrite-reception.js';
import { sketchReception } from './sketch-reception.js';
import { FLAG, flagPriority } from './table.js';

const noLarge = (): Body => {
  throw new RangeError('no body with a file here');
};
const KEY = keyFrom(Buffer.from('8 octets'));
const split = ({ front, rest }: EncodedFrame): { readonly meta: Buffer; readonly data: Buffer } => {
  markFrame(KEY, front);
  const bytes = Buffer.concat([front, ...rest]);
  const head = readHead(KEY, bytes, 0);
  if (!head || !isWhole(KEY, bytes, 0, head) || lengthOf(head) !== bytes.length) throw new RangeError('no whole frame');
  const dataAt = FRAME_HEAD + head.metaLength;
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
    requireTls: true,
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
    copy.priority = n === 2 ? -9 : n === 1 ? 6 : 0;
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
    expect(Buffer.concat([record.front, ...record.rest]).length).toBe(record.length);
    const { meta, data } = split(record);
    const read = new DecodedReception(meta, data, noLarge);
    for (const [n, copy] of copies.entries()) {
      const back = read.copy(n);
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
      copies.map(({ attempts, nextAttempt, priority, quarantined, lastReply, place: { group, binding, domain } }) => ({
        idHigh: expect.any(Number),
        idLow: expect.any(Number),
        place: `${group}\n${binding}\n${domain}`,
        receivedAt: copies[0]?.reception.receivedAt,
        attempts,
        next: nextAttempt,
        flags: FLAG.shared | flagPriority(priority) | (quarantined === undefined ? 0 : FLAG.quarantined),
        reply: lastReply,
        file: undefined,
      })),
    );
  });

  it('stores a header block once for all that share it, and the body once', () => {
    const alone = encodeReception(makeCopies(['a@x.test'], { body: 'b'.repeat(9000) })).length;
    const many = encodeReception(makeCopies(['a@x.test', 'b@x.test', 'c@x.test'], { body: 'b'.repeat(9000) })).length;
    expect(many - alone).toBeLessThan(300);
  });

  it('names what it ends, where compaction took it from, and a body with a file', () => {
    const facts = { size: 12_345, dots: true, eightBit: true, crc: 0xdead_beef };
    const content = new FileBody(new ForgetfulDisk(), '/large/x.body', facts);
    const copies = makeCopies(['a@x.test', 'b@x.test'], { content });
    const ends = [{ high: 0xffff_0000, low: 65_535 }];
    const { meta, data } = split(encodeReception(copies, ends));
    expect(sketchReception(meta)).toMatchObject({ movedFrom: undefined, ends, copies: [{ file: 'x.body' }, { file: 'x.body' }] });
    const asked: unknown[] = [];
    new DecodedReception(meta, data, (...words) => {
      asked.push(words);
      return content;
    });
    expect(asked).toEqual([['x.body', facts]]);
    const state = { place: 'g\nb\nd', attempts: 3, next: 9, reply: '451' };
    const moved = split(rewriteReception(viewReception(meta), data, [{ index: 1, ...state }], 2 ** 40));
    expect(sketchReception(moved.meta)).toMatchObject({ movedFrom: 2 ** 40, ends: [], copies: [{ file: 'x.body', ...state }] });
    expect(new DecodedReception(moved.meta, moved.data, () => content).copy(0).id).toBe(copies[1]?.id);
  });

  it('keeps what a newer version wrote when compaction writes it again, and gives each reader headers of his own', () => {
    const { meta, data } = split(encodeReception(full()));
    const unknown = Buffer.from([250, 0, 0, 0, 3, 1, 2, 3]);
    const newer = Buffer.concat([meta, unknown]);
    const kept = [0, 1, 2].map((index) => ({ index, place: 'g\nb\nd', attempts: 0, next: 0, reply: '' }));
    const moved = split(rewriteReception(viewReception(newer), data, kept, 7));
    expect(moved.meta.includes(unknown)).toBe(true);
    const read = new DecodedReception(moved.meta, moved.data, noLarge);
    const [one, other, again] = [read.copy(0), read.copy(2), read.copy(0)];
    expect(one.headers.bytes()).toBe(other.headers.bytes());
    one.headers.prepend('X-Changed', 'yes');
    expect([other.headers.has('x-changed'), again.headers.has('x-changed'), read.copy(0).headers.has('x-changed')]).toEqual([
      false,
      false,
      false,
    ]);
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
    expect(() => new DecodedReception(Buffer.alloc(0), Buffer.alloc(0), noLarge)).toThrow(
      expect.objectContaining({ code: 'SPOOL_NOT_COMMITTED' }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: meta.length - 1 }), (cut) => {
        expect(() => sketchReception(meta.subarray(0, cut))).toThrow();
      }),
    );
  });
});
