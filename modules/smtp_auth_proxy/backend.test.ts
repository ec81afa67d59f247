import { describe, expect, it } from 'vitest';
import { Backends, parseBackend, REST_MS } from './backend.js';

describe('parseBackend', () => {
  it.each([
    ['mx.test', 'mx.test', 2525],
    ['mx.test:587', 'mx.test', 587],
    ['a_b-c.test.', 'a_b-c.test.', 2525],
    ['192.0.2.1', '192.0.2.1', 2525],
    ['192.0.2.1:25', '192.0.2.1', 25],
    ['2001:db8::1', '2001:db8::1', 2525],
    ['[2001:db8::1]', '2001:db8::1', 2525],
    ['[2001:db8::1]:65535', '2001:db8::1', 65_535],
  ])('%s', (text, host, port) => {
    expect(parseBackend(text, 2525)).toEqual({ host, port });
  });

  it.each([
    '',
    ':25',
    'mx.test:',
    'mx.test:0',
    'mx.test:65536',
    'mx.test:x',
    '192.0.2.300',
    '[192.0.2.1]:25',
    '[::1',
    'a b',
    '-a.test',
    'a..b',
    '2001:db8::1:x',
    'mx.test\r\nQUIT',
  ])('refuses %j', (text) => {
    expect(parseBackend(text, 25)).toMatch(/is no (?:host|port)/);
  });
});

describe('Backends', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((host) => ({ host, port: 25 })) as [
    { host: string; port: number },
    { host: string; port: number },
    { host: string; port: number },
  ];

  it('begin with the next each time', () => {
    const all = new Backends([a, b, c]);
    expect([all.inTurn(0), all.inTurn(0), all.inTurn(0), all.inTurn(0)]).toEqual([
      [a, b, c],
      [b, c, a],
      [c, a, b],
      [a, b, c],
    ]);
  });

  it('ask one that failed only after the others, for a while', () => {
    const all = new Backends([a, b]);
    expect([all.failed(a, 0), all.failed(a, 0)]).toEqual([true, false]);
    expect([all.inTurn(1), all.inTurn(REST_MS - 1), all.inTurn(REST_MS)]).toEqual([
      [b, a],
      [b, a],
      [a, b],
    ]);
    expect([all.worked(a), all.worked(a)]).toEqual([true, false]);
  });
});
