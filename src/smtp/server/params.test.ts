/** Parameters of MAIL that came with later extensions: FUTURERELEASE, MT-PRIORITY; and what EHLO says of limits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inboundValues } from '../../../test/fuzz/smtp-rehearsal.js';
import type { InboundValues } from '../../config/snapshot.js';
import { readMailParams } from './params.js';
import { Profile } from './profile.js';

const profileOf = (options: Partial<InboundValues>) => new Profile(inboundValues(options), false, 'mx.test');
const ALL = profileOf({ max_future_release: 86_400 }).offers(false);
const read = (text: string, offers = ALL) => {
  const found = readMailParams(text, offers);
  return 'code' in found ? found.code : found;
};

describe('FUTURERELEASE (RFC 4865)', () => {
  it.each([
    ['HOLDFOR=86400', { holdFor: 86_400 }],
    ['holdfor=1 SIZE=5', { holdFor: 1, size: 5 }],
    ['HOLDUNTIL=2030-01-02T03:04:05Z', { holdUntil: Date.UTC(2030, 0, 2, 3, 4, 5) }],
    ['HOLDUNTIL=2030-01-02T03:04:05.5+01:00', { holdUntil: Date.UTC(2030, 0, 2, 2, 4, 5, 500) }],
  ])('%s', (text, expected) => expect(read(text)).toMatchObject(expected));

  it.each([
    'HOLDFOR',
    'HOLDFOR=0',
    'HOLDFOR=-1',
    'HOLDFOR=1234567890',
    'HOLDUNTIL=tomorrow',
    'HOLDUNTIL=2030-13-02T03:04:05Z',
    'HOLDFOR=1 HOLDFOR=1',
    'HOLDFOR=1 HOLDUNTIL=2030-01-02T03:04:05Z',
    'HOLDUNTIL=2030-01-02T03:04:05Z HOLDFOR=1',
  ])('%s is 501', (text) => expect(read(text)).toBe(501));

  it('is unknown where it is not offered', () => {
    expect(read('HOLDFOR=1', profileOf({}).offers(false))).toBe(555);
    expect(read('MT-PRIORITY=1', profileOf({ smtp_extensions: ['DSN'] }).offers(false))).toBe(555);
  });
});

describe('MT-PRIORITY (RFC 6710)', () => {
  it('goes from -9 to 9', () => {
    for (let i = -9; i <= 9; i++) expect(read(`MT-PRIORITY=${i}`)).toMatchObject({ mtPriority: i });
    for (const bad of ['', '=', '=10', '=-10', '=+1', '=01', '=-0', '=x']) expect(read(`MT-PRIORITY${bad}`), bad).toBe(501);
  });
});

describe('DELIVERBY (RFC 2852)', () => {
  it('takes a time and a mode, once', () => {
    expect(read('BY=60;R')).toMatchObject({ by: { seconds: 60, mode: 'R', traced: false } });
    for (const bad of ['BY', 'BY=', 'BY=0;R', 'BY=60', 'BY=60;R BY=60;R']) expect(read(bad), bad).toBe(501);
    expect(read('BY=60;R', profileOf({ smtp_extensions: ['DSN'] }).offers(false))).toBe(555);
  });
});

describe('BINARYMIME (RFC 3030)', () => {
  const offered = (options: Partial<InboundValues>) => [
    profileOf(options).keywordText(true, false).split('\n').includes('BINARYMIME'),
    read('BODY=BinaryMime', profileOf(options).offers(false)),
  ];

  it('is offered and taken beside CHUNKING, and never without', () => {
    expect(offered({})).toMatchObject([true, { binaryMime: true }]);
    expect(offered({ smtp_extensions: ['BINARYMIME', 'CHUNKING'] })).toMatchObject([true, { binaryMime: true }]);
    expect(offered({ smtp_extensions: ['CHUNKING'] })).toEqual([false, 555]);
    expect(offered({ smtp_extensions: ['BINARYMIME'] })).toEqual([false, 555]);
    expect(read('BODY=8BITMIME')).not.toHaveProperty('binaryMime');
    expect(read('BODY=BINARY')).toBe(501);
  });
});

describe('what EHLO says', () => {
  const lines = (options: Partial<InboundValues>) => profileOf(options).keywordText(false, false).split('\n');

  it('of DELIVERBY with the shortest time, if there is one', () => {
    expect(lines({})).toContain('DELIVERBY');
    expect(lines({ deliverby_minimum: 30 })).toContain('DELIVERBY 30');
  });

  it('of FUTURERELEASE when a time is set, of LIMITS when there are any (RFC 9422)', () => {
    expect(lines({})).not.toContainEqual(expect.stringContaining('FUTURERELEASE'));
    expect(lines({ max_future_release: 3600 })).toContain('FUTURERELEASE 3600 9999-12-31T23:59:59Z');
    expect(lines({ max_receptions_per_connection: 20 })).toContain('LIMITS MAILMAX=20 RCPTMAX=1000');
    expect(lines({ max_recipients_per_message: 0 })).not.toContainEqual(expect.stringContaining('LIMITS'));
    expect(lines({ smtp_extensions: ['LIMITS'] })).toEqual(['PIPELINING', '8BITMIME', 'LIMITS RCPTMAX=1000']);
  });
});

describe('any parameters', () => {
  it('are read or refused, never thrown at', () => {
    const word = fc
      .tuple(fc.constantFrom('HOLDFOR', 'HOLDUNTIL', 'MT-PRIORITY', 'SIZE', 'X'), fc.string({ maxLength: 30 }))
      .map((pair) => pair.join('='));
    fc.assert(fc.property(fc.array(word, { maxLength: 4 }), (words) => void read(words.join(' '))));
  });
});

describe('REQUIRETLS (RFC 8689)', () => {
  it('may be said in encrypted sessions only, and where smtp_extensions lets it', () => {
    const secure = profileOf({}).offers(true);
    expect(read('REQUIRETLS', secure)).toMatchObject({ requireTls: true });
    expect(read('REQUIRETLS')).toBe(555);
    expect(read('REQUIRETLS=yes', secure)).toBe(501);
    expect(read('REQUIRETLS', profileOf({ smtp_extensions: ['DSN'] }).offers(true))).toBe(555);
  });
});
