import { describe, expect, it } from 'vitest';
import { converse, storeOf } from './fixture.js';
import { Login } from './login.js';
import { Plain } from './plain.js';

const store = storeOf({ tim: 'tanstaaftanstaaf', Kurt: 'xipj3plmq' });

describe('PLAIN', () => {
  it('takes the first example of RFC 4616', async () => {
    expect(await converse(new Plain(store), '\0tim\0tanstaaftanstaaf')).toEqual(['done tim']);
    expect(await converse(new Plain(store), undefined, 'tim\0tim\0tanstaaftanstaaf')).toEqual(['> ', 'done tim']);
  });

  it('lets nobody act as somebody else, as its second example asks', async () => {
    expect(await converse(new Plain(store), 'Ursel\0Kurt\0xipj3plmq')).toEqual(['refused Kurt']);
  });

  it.each(['', 'tim', '\0tim', '\0tim\0', '\0\0secret', '\0tim\0a\0b', '\0ti\nm\0a', `\0${'x'.repeat(600)}\0a`])(
    'finds %j malformed',
    async (said) => {
      expect(await converse(new Plain(store), said)).toEqual(['malformed']);
    },
  );

  it('finds octets that are no UTF-8 malformed', async () => {
    expect(await new Plain(store).step(Buffer.from([0, 0xff, 0, 0x61]))).toMatchObject({ why: 'malformed' });
  });

  it('tells a wrong password, an unknown user and a broken store apart', async () => {
    expect(await converse(new Plain(store), '\0tim\0wrong')).toEqual(['refused tim']);
    expect(await converse(new Plain(store), '\0tom\0wrong')).toEqual(['refused tom']);
    expect(await converse(new Plain(storeOf({}, true)), '\0tim\0x')).toEqual(['error tim']);
  });
});

describe('LOGIN', () => {
  it('asks for both, or takes the name at once', async () => {
    expect(await converse(new Login(store), undefined, 'tim', 'tanstaaftanstaaf')).toEqual(['> Username:', '> Password:', 'done tim']);
    expect(await converse(new Login(store), 'tim', 'tanstaaftanstaaf')).toEqual(['> Password:', 'done tim']);
  });

  it('refuses and finds malformed', async () => {
    expect(await converse(new Login(store), 'tim', 'x')).toEqual(['> Password:', 'refused tim']);
    expect(await converse(new Login(store), '')).toEqual(['malformed']);
    expect(await converse(new Login(store), 'tim', '')).toEqual(['> Password:', 'malformed tim']);
  });
});
