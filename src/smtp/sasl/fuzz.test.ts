/** No octets make a mechanism throw, loop, or let anybody in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from './base64.js';
import { CramMd5 } from './cram-md5.js';
import { DigestMd5 } from './digest-md5.js';
import { storeOf } from './fixture.js';
import { Login } from './login.js';
import type { Mechanism } from './mechanism.js';
import { OAuth } from './oauth.js';
import { Plain } from './plain.js';
import { Scram } from './scram.js';
import { isPassword, prepare } from './text.js';

const store = storeOf({ user: 'a password nobody guesses' });
const parts = { nonce: 'serverhalf', saltOf: () => Buffer.from('salt'), iterations: 1 };
const MAKERS: readonly (readonly [string, () => Mechanism])[] = [
  ['PLAIN', () => new Plain(store)],
  ['LOGIN', () => new Login(store)],
  ['CRAM-MD5', () => new CramMd5(store, '<1@x>')],
  ['DIGEST-MD5', () => new DigestMd5(store, 'realm', 'nonce')],
  ['SCRAM', () => new Scram('SCRAM-SHA-256', store, parts)],
  ['OAUTHBEARER', () => new OAuth('OAUTHBEARER', store)],
  ['XOAUTH2', () => new OAuth('XOAUTH2', store)],
];
const WORDS = [
  '\0',
  '\x01',
  'user',
  'n,,',
  'n=user',
  ',',
  'r=',
  'p=',
  'c=biws',
  '=',
  'auth=Bearer x',
  'username="user"',
  'nonce="nonce"',
  'nc=00000001',
  '"',
  '\\',
  'serverhalf',
];
const said = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((octets) => Buffer.from(octets)),
  fc
    .array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 12 })
    .map((list) => Buffer.from(list.join(''))),
);

describe.each(MAKERS)('%s', (_, make) => {
  it('survives whatever is said, and believes nothing of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.option(said, { nil: undefined }), fc.array(said, { maxLength: 3 }), async (first, more) => {
        const mechanism = make();
        let step = await mechanism.step(first);
        for (const next of more) {
          if (step.kind !== 'challenge' || step.failed) break;
          step = await mechanism.step(next);
        }
        expect(step.kind).not.toBe('done');
      }),
      { numRuns: 300 },
    );
  });
});

describe('texts', () => {
  it('base64 is what it is or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
        expect(decodeBase64(Buffer.from(octets).toString('base64'))).toEqual(Buffer.from(octets));
      }),
    );
    for (const text of ['a', 'ab', 'abc', 'ab=', 'abc==', 'ab cd', 'abcd=', '====', 'ab-_'])
      expect(decodeBase64(text), text).toBeUndefined();
  });

  it('a password is equal to itself in any normal form, and to no other', () => {
    expect(isPassword('I\u00adX', 'IX')).toBe(true);
    expect(isPassword('\u2168', 'IX')).toBe(true);
    expect(isPassword('e\u0301', '\u00e9')).toBe(true);
    expect(isPassword('user', 'USER')).toBe(false);
    expect(prepare('\u0007')).toBeUndefined();
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => isPassword(text, text)));
  });
});
