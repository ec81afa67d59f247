import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyHash } from './body-hash.js';
import type { Canon } from './canon.js';

/** RFC 6376 3.4.3 and 3.4.4 word by word. */
function canonSlowly(body: string, canon: Canon): string {
  let text = body;
  if (canon === 'relaxed') text = text.replace(/[ \t]+(?=\r\n|$)/g, '').replace(/[ \t]+/g, ' ');
  text = text.replace(/(\r\n)*$/, '');
  if (text === '') return canon === 'simple' ? '\r\n' : '';
  return `${text}\r\n`;
}

const digest = (text: string): string => createHash('sha256').update(text, 'latin1').digest('base64');

function hash(chunks: readonly Buffer[], canon: Canon, limit?: number): { hash: string; octets: number } {
  const hasher = new BodyHash('sha256', canon, limit);
  for (const chunk of chunks) hasher.push(chunk);
  return hasher.finish();
}

const piece = fc.constantFrom('\r\n', '\r\n', '\r', '\n', ' ', '  ', '\t', 'a', 'some words here', '.', '\xe9', '\0');
const body = fc.array(piece, { maxLength: 25 }).map((parts) => parts.join(''));

describe('BodyHash', () => {
  it.each<Canon>(['simple', 'relaxed'])('%s: the same as the slow rules, wherever the body is cut and limited', (canon) => {
    fc.assert(
      fc.property(body, fc.array(fc.nat(80), { maxLength: 6 }), fc.option(fc.nat(60), { nil: undefined }), (text, cuts, limit) => {
        const all = Buffer.from(text, 'latin1');
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts.map((c) => c % (all.length + 1)).sort((a, b) => a - b), all.length]) {
          chunks.push(all.subarray(at, cut));
          at = cut;
        }
        const canonical = canonSlowly(text, canon).slice(0, limit ?? Number.POSITIVE_INFINITY);
        expect(hash(chunks, canon, limit)).toEqual({ hash: digest(canonical), octets: canonical.length });
      }),
      { numRuns: 3000 },
    );
  });

  it('knows the hashes of an empty body (RFC 6376 3.4.3, 3.4.4)', () => {
    expect(hash([], 'simple').hash).toBe('frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=');
    expect(hash([], 'relaxed').hash).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  });

  it('holds back any number of empty lines', () => {
    const lines = Buffer.from('\r\n'.repeat(5000));
    const text = `a${lines}b\r\n`;
    expect(hash([Buffer.from('a'), lines, Buffer.from('b'), lines], 'relaxed').hash).toBe(digest(text));
  });
});
