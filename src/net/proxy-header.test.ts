import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isProxySignature, readProxyHeader } from './proxy-header.js';

const v1 = (text: string) => Buffer.from(text, 'latin1');
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

function v2(kind: number, family: number, addresses: Buffer, claimed = addresses.length): Buffer {
  const head = Buffer.alloc(16);
  head.write(SIGNATURE, 'latin1');
  head[12] = kind;
  head[13] = family;
  head.writeUInt16BE(claimed, 14);
  return Buffer.concat([head, addresses]);
}

const FOUR = Buffer.from([192, 0, 2, 9, 198, 51, 100, 1, 0x04, 0xd2, 0, 25]);
const SIX = Buffer.concat([
  Buffer.from('20010db8000000000000000000000009', 'hex'),
  Buffer.from('00000000000000000000ffffc0000201', 'hex'),
  Buffer.from([0, 1, 0, 25]),
]);

describe('the header of version 1', () => {
  it.each([
    ['PROXY TCP4 192.0.2.9 198.51.100.1 1234 25\r\n', { from: { ip: '192.0.2.9', port: 1234 }, to: { ip: '198.51.100.1', port: 25 } }],
    ['PROXY TCP6 2001:DB8::9 ::ffff:192.0.2.1 1 25\r\n', { from: { ip: '2001:db8::9', port: 1 }, to: { ip: '192.0.2.1', port: 25 } }],
    ['PROXY UNKNOWN\r\n', {}],
    ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', {}],
  ])('%j', (text, expected) => {
    expect(readProxyHeader(v1(`${text}EHLO x\r\n`), 'any')).toEqual({ ...expected, length: text.length });
    for (let n = 0; n < text.length; n++) expect(readProxyHeader(v1(text.slice(0, n)), 'any')).toBe('more');
  });

  it.each([
    'PROXY TCP4 192.0.2.9 198.51.100.1 1234 25\n',
    'PROXY TCP4 192.0.2.9 198.51.100.1 1234 65536\r\n',
    'PROXY TCP4 192.0.2.9 198.51.100.1 01 25\r\n',
    'PROXY TCP4 2001:db8::9 198.51.100.1 1 25\r\n',
    'PROXY TCP6 192.0.2.9 198.51.100.1 1 25\r\n',
    'PROXY TCP4  192.0.2.9 198.51.100.1 1 25\r\n',
    'PROXY UDP4 192.0.2.9 198.51.100.1 1 25\r\n',
    'proxy TCP4 192.0.2.9 198.51.100.1 1 25\r\n',
    'EHLO x\r\n',
  ])('%j is none', (text) => expect(readProxyHeader(v1(text), 'any')).toBe('bad'));

  it('bad-inputs 21: may have 107 octets and no more', () => {
    const longest = `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`;
    expect(readProxyHeader(v1(longest), 'any')).toEqual({ length: 107 });
    expect(readProxyHeader(v1(longest.replace('x', 'xx')), 'any')).toBe('bad');
    expect(readProxyHeader(v1(`PROXY UNKNOWN ${'x'.repeat(93)}`), 'v1')).toBe('bad');
  });
});

describe('the header of version 2', () => {
  it.each([
    ['TCP over IPv4', v2(0x21, 0x11, FOUR), { from: { ip: '192.0.2.9', port: 1234 }, to: { ip: '198.51.100.1', port: 25 } }],
    ['TCP over IPv6', v2(0x21, 0x21, SIX), { from: { ip: '2001:db8::9', port: 1 }, to: { ip: '192.0.2.1', port: 25 } }],
    [
      'with TLVs',
      v2(0x21, 0x11, Buffer.concat([FOUR, Buffer.alloc(300)])),
      { from: { ip: '192.0.2.9', port: 1234 }, to: { ip: '198.51.100.1', port: 25 } },
    ],
    ['LOCAL', v2(0x20, 0, Buffer.alloc(0)), {}],
    ['a unix socket', v2(0x21, 0x31, Buffer.alloc(216)), {}],
  ])('%s', (_what, bytes, expected) => {
    expect(readProxyHeader(Buffer.concat([bytes, v1('EHLO')]), 'any')).toEqual({ ...expected, length: bytes.length });
    for (let n = 0; n < bytes.length; n++) expect(readProxyHeader(bytes.subarray(0, n), 'v2')).toBe('more');
  });

  it.each([
    ['another version', v2(0x11, 0x11, FOUR)],
    ['another command', v2(0x22, 0x11, FOUR)],
    ['too short for its addresses', v2(0x21, 0x11, FOUR.subarray(0, 11))],
    ['bad-inputs 21: too long', v2(0x21, 0x11, FOUR, 2569)],
    ['another signature', v1('\r\n\r\n\0\r\nQUIX\n')],
  ])('%s is none', (_what, bytes) => expect(readProxyHeader(bytes, 'any')).toBe('bad'));

  it('is known by its signature', () => {
    expect(isProxySignature(v1(`xx${SIGNATURE}`), 2)).toBe(true);
    expect(isProxySignature(v1(SIGNATURE.slice(0, 11)), 0)).toBe(false);
  });
});

describe('any octets', () => {
  it('are taken, waited for or refused, and each version only where it is wanted', () => {
    expect(readProxyHeader(v1('PROXY UNKNOWN\r\n'), 'v2')).toBe('bad');
    expect(readProxyHeader(v2(0x20, 0, Buffer.alloc(0)), 'v1')).toBe('bad');
    const start = fc.constantFrom('', 'PROXY TCP4 ', 'PROXY ', SIGNATURE, `${SIGNATURE}\x21\x11`);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 3000 }), (head, tail) => {
        const bytes = Buffer.concat([v1(head), Buffer.from(tail)]);
        const read = readProxyHeader(bytes, 'any');
        if (typeof read === 'object') expect(read.length).toBeLessThanOrEqual(bytes.length);
        if (read === 'more') expect(bytes.length).toBeLessThan(2600);
      }),
    );
  });
});
