import { describe, expect, it } from 'vitest';
import { converse, storeOf } from './fixture.js';
import { OAuth } from './oauth.js';

const TOKEN = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==';
const store = storeOf({ 'user@example.com': TOKEN });
const BEARER = `n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer ${TOKEN}\x01\x01`;
const GOOGLE = `user=user@example.com\x01auth=Bearer ${TOKEN}\x01\x01`;

describe('OAUTHBEARER and XOAUTH2', () => {
  it('take the examples of RFC 7628 and of Google', async () => {
    expect(await converse(new OAuth('OAUTHBEARER', store), BEARER)).toEqual(['done user@example.com']);
    expect(await converse(new OAuth('XOAUTH2', store), undefined, GOOGLE)).toEqual(['> ', 'done user@example.com']);
  });

  it('tell why before they fail', async () => {
    expect(await converse(new OAuth('OAUTHBEARER', store), BEARER.replace('vF9', 'xxx'))).toEqual([
      '> {"status":"invalid_token"} (refused user@example.com)',
    ]);
    expect(await converse(new OAuth('XOAUTH2', store), GOOGLE.replace('vF9', 'xxx'))).toEqual([
      '> {"status":"401","schemes":"bearer"} (refused user@example.com)',
    ]);
    expect(await converse(new OAuth('XOAUTH2', storeOf({}, true)), GOOGLE)).toEqual(['error user@example.com']);
  });

  it.each([
    GOOGLE,
    BEARER.slice(0, -1),
    BEARER.replace('n,', 'y,'),
    BEARER.replace('Bearer', 'Basic'),
    BEARER.replace('port=143', 'auth=Bearer x'),
  ])('find %j malformed', async (said) => {
    expect(await converse(new OAuth('OAUTHBEARER', store), said)).toEqual(['malformed']);
  });
});
