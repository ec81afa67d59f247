/** CRLF to LF, however the octets are cut. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withLineFeeds } from './line-feeds.js';

const convert = async (chunks: readonly Uint8Array[]): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const part of withLineFeeds(chunks)) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
};

describe('withLineFeeds', () => {
  it.each([
    ['', ''],
    ['a\r\nb\r\n', 'a\nb\n'],
    ['a\rb\r\r\n\nc\r', 'a\rb\r\n\nc\r'],
  ])('%j', async (given, wanted) => expect(await convert([Buffer.from(given)])).toBe(wanted));

  it('comes to the same as replacing, wherever the chunks end', async () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('\r', '\n', 'x') }));
    await fc.assert(
      fc.asyncProperty(pieces, async (texts) => {
        expect(await convert(texts.map((text) => Buffer.from(text)))).toBe(texts.join('').replaceAll('\r\n', '\n'));
      }),
    );
  });
});
