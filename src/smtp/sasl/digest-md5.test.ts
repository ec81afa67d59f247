import { describe, expect, it } from 'vitest';
import { DigestMd5, hashOfUser, readDirectives } from './digest-md5.js';
import { converse, storeOf } from './fixture.js';
import type { Store } from './mechanism.js';

const REALM = 'elwood.innosoft.com';
const NONCE = 'OA6MG9tEQGm2hh';
const CHALLENGE = `> realm="${REALM}",nonce="${NONCE}",qop="auth",charset=utf-8,algorithm=md5-sess`;
const answer = (changes: Readonly<Record<string, string>> = {}): string => {
  const parts: Record<string, string> = {
    charset: 'utf-8',
    username: '"chris"',
    realm: `"${REALM}"`,
    nonce: `"${NONCE}"`,
    nc: '00000001',
    cnonce: '"OA6MHXh6VqTrRk"',
    'digest-uri': '"imap/elwood.innosoft.com"',
    response: 'd388dad90d4bbd760a152321f2143af7',
    qop: 'auth',
    ...changes,
  };
  return Object.entries(parts)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
};
const open = (store: Store = storeOf({ chris: 'secret' })): DigestMd5 => new DigestMd5(store, REALM, NONCE, ['imap']);

describe('DIGEST-MD5', () => {
  it('is the exchange of RFC 2831 4', async () => {
    expect(await converse(open(), undefined, answer(), '')).toEqual([
      CHALLENGE,
      '> rspauth=ea40f60335c427b5527b84dbabcdfffd',
      'done chris',
    ]);
  });

  it('works with a stored digest of the same realm only', async () => {
    const hash = hashOfUser('chris', REALM, 'secret');
    const of = (realm: string): Store => ({ secret: async () => ({ kind: 'digest', realm, hash }), check: async () => 'no' });
    expect((await converse(open(of(REALM)), undefined, answer()))[1]).toMatch(/^> rspauth=ea40/);
    expect((await converse(open(of('other')), undefined, answer()))[1]).toBe('refused chris');
  });

  it.each([
    { nonce: '"other"' },
    { nc: '00000002' },
    { realm: '"other"' },
    { response: 'd388dad90d4bbd760a152321f2143af8' },
    { username: '"tom"' },
    { authzid: '"root"' },
  ])('refuses %j', async (changes) => {
    expect((await converse(open(), undefined, answer(changes)))[1]).toMatch(/^refused /);
  });

  it.each([{ 'digest-uri': '"http/x"' }, { qop: 'auth-int' }, { username: '""' }, { cnonce: '""' }, { username: '"a' }])(
    'finds %j malformed',
    async (changes) => {
      expect((await converse(open(), undefined, answer(changes)))[1]).toBe('malformed');
    },
  );

  it('reads directives with escapes and blanks, and none twice', () => {
    expect([...(readDirectives('a="x\\"y" , b=z,,c="1,2"') ?? [])]).toEqual([
      ['a', 'x"y'],
      ['b', 'z'],
      ['c', '1,2'],
    ]);
    expect(readDirectives('a=1,A=2')).toBeUndefined();
    expect(readDirectives('a')).toBeUndefined();
  });
});
