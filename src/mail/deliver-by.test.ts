import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeliverBy, formatByTime, formatDeliverBy, readByTime, readDeliverBy } from './deliver-by.js';

describe('BY (RFC 2852)', () => {
  it.each([
    ['60;R', { seconds: 60, mode: 'R', traced: false }],
    ['+60;rt', { seconds: 60, mode: 'R', traced: true }],
    ['0;N', { seconds: 0, mode: 'N', traced: false }],
    ['-120;NT', { seconds: -120, mode: 'N', traced: true }],
  ])('%s', (text, expected) => expect(readByTime(text)).toEqual(expected));

  it.each(['', '60', '60;', ';R', '60;X', '60;RTT', '60;TR', '0;R', '-1;R', '1.5;R', '1234567890;N', '60;R ', '--1;N'])(
    '%j is malformed',
    (text) => expect(readByTime(text)).toBeUndefined(),
  );

  it('goes on with the whole seconds that are left', () => {
    const by: DeliverBy = { mode: 'N', at: 100_999, traced: true };
    expect([formatByTime(by, 41_000), formatByTime(by, 101_000)]).toEqual(['BY=59;NT', 'BY=-1;NT']);
  });

  it('is the same after it was kept as a fact; other texts are none', () => {
    fc.assert(
      fc.property(fc.nat(9e12), fc.constantFrom('R' as const, 'N' as const), fc.boolean(), (at, mode, traced) => {
        expect(readDeliverBy(formatDeliverBy({ at, mode, traced }))).toEqual({ at, mode, traced });
      }),
    );
    for (const text of [undefined, '', '5', '5X', 'R']) expect(readDeliverBy(text)).toBeUndefined();
  });
});
