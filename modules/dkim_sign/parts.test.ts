import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { domainOfMailbox } from './author.js';
import { canonField } from './canon.js';
import { Gate } from './gate.js';
import { parseHeaderList, selectFields } from './headerlist.js';
import { encodeQuoted, foldBase64, foldNames, formatCopies } from './tags.js';

const select = (list: string, names: string) => {
  const mentions = parseHeaderList(list);
  if (typeof mentions === 'string') throw new Error(mentions);
  const block = names.split(' ').map((name, i) => ({ name, at: i }));
  const { names: h, fields } = selectFields(mentions, block);
  return `${h.join(':')} ${fields.map(({ at }) => at).join(',')}`;
};

describe('headerlist', () => {
  it.each([
    ['From', 'from', 'From 0'],
    ['From:Subject', 'from', 'From:Subject 0'],
    ['From:Subject?', 'from', 'From 0'],
    ['From:From', 'from', 'From:From 0'],
    ['From:To', 'to from to', 'From:To 1,2'],
    ['From:To:To', 'to from to', 'From:To:To 1,2,0'],
    ['From:To:To:To', 'to from to', 'From:To:To:To 1,2,0'],
    ['From:To*', 'to from to', 'From:To:To 1,2,0'],
    ['From:To*', 'from', 'From:To 0'],
    ['From:To+', 'to from to', 'From:To:To 1,2,0'],
    ['From:To+', 'from', 'From 0'],
    ['From:To?:To?', 'from to', 'From:To 0,1'],
    ['From:To*:To', 'from to', 'From:To:To 0,1'],
    ['from : SUBJECT', 'subject from', 'from:SUBJECT 1,0'],
  ])('%s over %s signs %s', (list, names, result) => expect(select(list, names)).toBe(result));

  it.each(['', ':', 'To', 'From:a b', 'From:?', 'From:x;y', 'From:\x01'])('refuses %j', (list) =>
    expect(typeof parseHeaderList(list)).toBe('string'),
  );
});

describe('domainOfMailbox', () => {
  it.each([
    ['a@site.test', 'site.test'],
    ['Alice <a@Site.Test>', 'site.test'],
    ['"Alice @ home" <a@site.test>', 'site.test'],
    ['"<x@evil.test>" <a@site.test>', 'site.test'],
    ['Alice (b@evil.test) <a@site.test>', 'site.test'],
    ['a@site.test (<b@evil.test>)', 'site.test'],
    ['"a@b"@site.test', 'site.test'],
    ['a@site.test, b@other.test', 'site.test'],
    ['Group: a@site.test, b@other.test;', 'site.test'],
    ['<@relay.test:a@site.test>', 'site.test'],
    ['a@site.test.', 'site.test'],
    ['a @ site.test', 'site.test'],
    ['j@bücher.test', 'xn--bcher-kva.test'],
    ['nobody', undefined],
    ['', undefined],
    ['<>', undefined],
    ['a@[192.0.2.1]', undefined],
    ['a@x/y', undefined],
    ['(((((((((((((((((((((((((a@b.test', undefined],
  ])('%s → %s', (value, domain) => expect(domainOfMailbox(value)).toBe(domain));

  it('takes any text in linear time', () => {
    const bait = `${'('.repeat(50_000)}${'"\\'.repeat(50_000)}<${'a@'.repeat(50_000)}`;
    const began = performance.now();
    domainOfMailbox(bait);
    expect(performance.now() - began).toBeLessThan(200);
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'<>@(),;:"\\ a.b-é[]/') }), (text) => void domainOfMailbox(text)));
  });
});

describe('canonField', () => {
  it.each([
    // The example of RFC 6376 3.4.5.
    ['A: X\r\n', 'a:X\r\n'],
    ['B : Y\t\r\n\tZ  \r\n', 'b:Y Z\r\n'],
    ['Subject:\r\n', 'subject:\r\n'],
    ['Subject: \r\n \t\r\n x\r\n', 'subject:x\r\n'],
    ['A: \xa0x\xa0\r\n', 'a:\xa0x\xa0\r\n'],
  ])('relaxed %j → %j', (raw, canonical) => {
    expect(canonField(raw, 'relaxed')).toBe(canonical);
    expect(canonField(raw, 'simple')).toBe(raw);
  });
});

describe('tags', () => {
  it('keeps lines short and loses nothing', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii', maxLength: 400 }),
        fc.array(fc.stringMatching(/^[A-Z][a-z-]{1,20}$/), { minLength: 1 }),
        (text, names) => {
          const quoted = encodeQuoted(text);
          expect(quoted).toMatch(/^[!-:<-~]*$/);
          expect(quoted.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))).toBe(text);
          const copies = formatCopies([`X-Text: ${text.replace(/[\r\n]/g, ' ')}\r\n`, 'B: 1|2\r\n']);
          expect(copies.replace(/\s/g, '').split('|')).toHaveLength(2);
          const h = foldNames(names, 10);
          expect(h.replace(/\s/g, '')).toBe(names.join(':'));
          const b = foldBase64(quoted);
          expect(b.replace(/\s/g, '')).toBe(quoted);
          for (const line of [copies, h, b].flatMap((folded) => folded.split('\r\n'))) expect(line.length).toBeLessThanOrEqual(78);
        },
      ),
    );
  });
});

describe('Gate', () => {
  it('lets so many through at a time, in order, whatever becomes of them', async () => {
    const gate = new Gate(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const job = (i: number) => async () => {
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, 2));
      running--;
      order.push(i);
      if (i % 3 === 0) throw new Error('no');
    };
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => gate.run(job(i))));
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  });
});
