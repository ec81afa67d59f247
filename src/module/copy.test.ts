import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { bodyOf, Copy, NO_TICKET } from './copy.js';
import { isShortage } from './permit.js';
import { PlaceTable } from './place.js';
import { ACCEPT, discard, disconnect, FAIL_CLOSED, isRefusal, quarantine, reject, tempfail } from './verdict.js';

const reception = {
  batchId: 'b',
  connectionId: 'c',
  protocol: 'esmtp',
  receivedAt: 0,
  sender: new Address('s', 't.test'),
  facts: new Facts(),
  smtpUtf8: false,
} as const;
const copyTo = (...recipients: Address[]) =>
  new Copy('id', reception, recipients, new Headers(Buffer.from('a: b\r\n\r\n')), bodyOf([]), new Facts());

const readAll = async (body: ReturnType<typeof bodyOf>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
};

describe('a copy', () => {
  it('has its sender, recipient and size', () => {
    const copy = copyTo(new Address('a', 'b.test'), new Address('c', 'd.test'));
    expect(String(copy.sender)).toBe('s@t.test');
    expect(String(copy.recipient)).toBe('a@b.test');
    expect(copy.size).toBe(8);
    copy.setBody(Buffer.from('xyz\r\n'));
    expect(copy.size).toBe(13);
    expect([copy.ticket, copy.attempts, copy.place.domain]).toEqual([NO_TICKET, 0, '']);
  });

  it('says so when it has no recipient', () => {
    expect(() => copyTo().recipient).toThrow('message id has no recipient');
  });

  it('keeps the first reason why it was set aside', () => {
    const copy = copyTo();
    copy.quarantine('virus');
    copy.quarantine('spam');
    expect(copy.quarantined).toBe('virus');
  });
});

describe('a body', () => {
  it('knows its size, its dots and its eighth bits, however it is cut', async () => {
    const piece = fc.constantFrom('.', 'a', '\r\n', '\r\n.', '\u00e9', 'ab.c', '');
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const whole = Buffer.from(pieces.join(''));
        const body = bodyOf(pieces.map((text) => Buffer.from(text)));
        expect(await readAll(body)).toEqual(whole);
        expect(body.size).toBe(whole.length);
        expect(body.dots).toBe(/^\./m.test(pieces.join('')));
        expect(body.eightBit).toBe(whole.some((octet) => octet > 0x7f));
      }),
    );
  });

  it('takes a lone chunk as it is, also from the middle of a buffer', async () => {
    const body = bodyOf([Buffer.from('xx.y\r\n').subarray(2)]);
    expect(String(await readAll(body))).toBe('.y\r\n');
    expect([body.size, body.dots, body.eightBit, body.file]).toEqual([4, true, false, undefined]);
  });
});

describe('places', () => {
  it('are one object a triple, with dense numbers that are used again', () => {
    const places = new PlaceTable();
    const a = places.of('g', 'b', 'a.test');
    const b = places.of('g', 'b', 'b.test');
    expect(places.of('g', 'b', 'a.test')).toBe(a);
    expect([a.index, b.index, places.size]).toEqual([0, 1, 2]);
    expect(places.at(1)).toBe(b);
    places.forget(a);
    places.forget(a);
    expect(places.at(0)).toBeUndefined();
    const c = places.of('g', 'b', 'c.test');
    expect(c.index).toBe(0);
    places.forget(a);
    expect([...places]).toEqual([b, c]);
    expect(places.of('g', 'b', 'a.test')).not.toBe(a);
  });
});

describe('verdicts', () => {
  it.each([
    [reject('no'), 'reject', 550, '5.7.1', 'no'],
    [reject('554 5.4.6 loop'), 'reject', 554, '5.4.6', 'loop'],
    [reject('554 loop'), 'reject', 554, '', 'loop'],
    [reject('550 5.7.1 two\nlines'), 'reject', 550, '5.7.1', 'two\nlines'],
    [tempfail('later'), 'tempfail', 451, '4.7.1', 'later'],
    [disconnect('bye'), 'disconnect', 421, '4.3.0', 'bye'],
    [FAIL_CLOSED, 'tempfail', 451, '4.3.0', 'temporary policy failure'],
  ])('%# carry a whole reply', (verdict, verb, code, status, text) => {
    expect(verdict).toEqual({ do: verb, reply: { code, status, text } });
    expect(isRefusal(verdict)).toBe(true);
  });

  it('without a reply refuse nobody', () => {
    for (const verdict of [undefined, ACCEPT, quarantine('q'), discard('d')]) expect(isRefusal(verdict)).toBe(false);
    expect([quarantine('q'), discard('d')]).toEqual([
      { do: 'quarantine', reason: 'q' },
      { do: 'discard', reason: 'd' },
    ]);
  });
});

it('a shortage is no permit', () => {
  expect(isShortage({ key: 'global', waitMs: undefined })).toBe(true);
  expect(isShortage({ release: () => {} })).toBe(false);
});
