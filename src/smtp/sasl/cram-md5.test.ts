import { describe, expect, it } from 'vitest';
import { CramMd5 } from './cram-md5.js';
import { converse, storeOf } from './fixture.js';

const TOKEN = '<1896.697170952@postoffice.reston.mci.net>';
const open = (users = { tim: 'tanstaaftanstaaf' }): CramMd5 => new CramMd5(storeOf(users), TOKEN);

describe('CRAM-MD5', () => {
  it('is the exchange of RFC 2195', async () => {
    expect(await converse(open(), undefined, 'tim b913a602c7eda7a495b4e6e7334d3890')).toEqual([`> ${TOKEN}`, 'done tim']);
  });

  it('refuses a wrong digest, an unknown user, and a digest made with the token', async () => {
    expect((await converse(open(), undefined, 'tim b913a602c7eda7a495b4e6e7334d3891'))[1]).toBe('refused tim');
    expect((await converse(open(), undefined, 'tom b913a602c7eda7a495b4e6e7334d3890'))[1]).toBe('refused tom');
    const { createHmac } = await import('node:crypto');
    const guessed = createHmac('md5', TOKEN).update(TOKEN).digest('hex');
    expect((await converse(open(), undefined, `tom ${guessed}`))[1]).toBe('refused tom');
  });

  it('speaks first', async () => {
    expect(await converse(open(), 'tim b913a602c7eda7a495b4e6e7334d3890')).toEqual(['malformed']);
    expect((await converse(open(), undefined, 'tim'))[1]).toBe('malformed');
  });
});
