import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { encodeMailbox, encodeText } from './encoded-word.js';

describe('encodeText', () => {
  it('leaves ASCII alone', () => expect(encodeText('Delivery failed: bob@x.test')).toBe('Delivery failed: bob@x.test'));

  it('is read back by an independent parser, in words of at most 75 octets', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', ' ', 'ö', '漢', '🎉', '=?', '"'), minLength: 1, maxLength: 120 }),
        async (core) => {
          // Blanks at the ends of a field mean nothing.
          const text = `é${core}é`;
          const written = encodeText(text);
          for (const word of written.split('\r\n ')) expect(word.length).toBeLessThanOrEqual(75);
          const parsed = await simpleParser(`Subject: ${written}\r\n\r\n`);
          expect(parsed.subject).toBe(text);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('encodeMailbox', () => {
  it.each([
    ['a@b.test', 'a@b.test'],
    ['Mail Delivery <a@b.test>', 'Mail Delivery <a@b.test>'],
    ['Mail. Delivery (x) <a@b.test>', '"Mail. Delivery (x)" <a@b.test>'],
    ['"Mail \\"D\\"" <a@b.test>', '"Mail \\"D\\"" <a@b.test>'],
    ['Jörg <a@b.test>', '=?utf-8?B?SsO2cmc=?= <a@b.test>'],
    ['<a@b.test>', '<a@b.test>'],
  ])('%s → %s', (from, to) => expect(encodeMailbox(from)).toBe(to));
});
