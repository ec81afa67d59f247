/** Answers of authorization servers: whole, odd, and made up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAnswer, type Wishes } from './answer.js';

const WISHES: Wishes = { userClaims: ['username', 'sub'], scopes: ['mail'], audience: 'mx', issuer: 'https://id.test' };
const GOOD = { active: true, sub: 'ann', scope: 'a mail b', aud: ['x', 'mx'], iss: 'https://id.test', exp: 101, nbf: 100 };
const judge = (answer: object, user = 'ann') => judgeAnswer(JSON.stringify(answer), user, WISHES, 100);

describe('an introspection answer', () => {
  it('is good when all of it is', () => {
    expect(judge(GOOD)).toBe('ok');
    expect(judge({ ...GOOD, aud: 'mx', exp: undefined, nbf: undefined })).toBe('ok');
  });

  it.each([
    [{ active: false }],
    [{ sub: 'Ann' }],
    [{ sub: ['ann'] }],
    [{ sub: undefined }],
    [{ scope: 'mailbox' }],
    [{ scope: ['mail'] }],
    [{ scope: undefined }],
    [{ aud: 'm' }],
    [{ aud: undefined }],
    [{ iss: 'https://id.test.evil' }],
    [{ exp: 100 }],
    [{ exp: '9999' }],
    [{ nbf: 101 }],
  ])('is no with %j', (other) => {
    expect(judge({ ...GOOD, ...other })).toBe('no');
  });

  it.each(['', 'null', '[]', '"active"', '{}', '{"active":"true"}', '{"active":1}', '<html>', '{"active":true'])('is none: %s', (text) => {
    expect(judgeAnswer(text, 'ann', WISHES, 100)).toBe('error');
  });

  it('never lets in whom nothing in it names, whatever it holds', () => {
    const names = fc.constantFrom('username', 'sub', '__proto__', 'constructor', 'scope', 'aud', 'exp');
    const lenient = { ...WISHES, userClaims: ['username', 'sub', '__proto__', 'constructor'], scopes: [], audience: '', issuer: '' };
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.jsonValue())), fc.string({ minLength: 1 }), (members, user) => {
        const text = JSON.stringify(Object.fromEntries([...members, ['active', true]]));
        const isNamed = members.some(([, value]) => value === user);
        if (!isNamed) expect(judgeAnswer(text, user, lenient, 100)).not.toBe('ok');
      }),
    );
  });
});
