import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { converse, storeOf } from './fixture.js';
import { Scram, type ScramParts } from './scram.js';

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const PARTS: ScramParts = { nonce: NONCE, saltOf: () => SALT };
const open = (more: Partial<ScramParts> = {}, name: Scram['name'] = 'SCRAM-SHA-256'): Scram =>
  new Scram(name, storeOf({ user: 'pencil', 'a,b=c': 'pencil' }), { ...PARTS, ...more });

const FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO';
const WHOLE = `rOprNGfwEbeRWgbNEkqO${NONCE}`;
const SERVER = `r=${WHOLE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;

/** The client's side, written apart from ours. */
function prove(header: string, bare: string, binding = Buffer.alloc(0), password = 'pencil'): string {
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const channel = Buffer.concat([Buffer.from(header), binding]).toString('base64');
  const without = `c=${channel},r=${WHOLE}`;
  const key = hmac(pbkdf2Sync(password, SALT, 4096, 32, 'sha256'), 'Client Key');
  const signature = hmac(createHash('sha256').update(key).digest(), `${bare},${SERVER},${without}`);
  return `${without},p=${Buffer.from(key.map((octet, i) => octet ^ (signature[i] ?? 0))).toString('base64')}`;
}

describe('SCRAM-SHA-256', () => {
  it('is the exchange of RFC 7677 3', async () => {
    const final = `c=biws,r=${WHOLE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
    expect(await converse(open(), FIRST, final, '')).toEqual([
      `> ${SERVER}`,
      '> v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
      'done user',
    ]);
    expect(final).toBe(prove('n,,', 'n=user,r=rOprNGfwEbeRWgbNEkqO'));
  });

  it('reads names with commas and equals signs', async () => {
    const bare = 'n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO';
    expect((await converse(open(), `n,,${bare}`, prove('n,,', bare), ''))[2]).toBe('done a,b=c');
    expect(await converse(open(), 'n,,n=a=40b,r=x')).toEqual(['malformed']);
  });

  it('refuses wrong proofs, unknown users, other nonces and changed bindings', async () => {
    const bare = 'n=user,r=rOprNGfwEbeRWgbNEkqO';
    const good = prove('n,,', bare);
    expect((await converse(open(), FIRST, prove('n,,', bare, undefined, 'pen')))[1]).toBe('refused user');
    expect((await converse(open(), FIRST.replace('user', 'tom'), good))[1]).toBe('refused tom');
    expect((await converse(open(), FIRST, good.replace('r=rOpr', 'r=xOpr')))[1]).toBe('refused user');
    expect((await converse(open(), FIRST, good.replace('c=biws', 'c=eSws')))[1]).toBe('refused user');
    expect(await converse(open(), 'n,a=root,n=user,r=x')).toEqual(['refused user']);
  });

  it('shows an unknown user the same salt as a known one would have', async () => {
    const saltOf = (user: string): Buffer => createHash('md5').update(user).digest();
    const ask = (): Promise<string[]> => converse(open({ saltOf }), 'n,,n=nobody,r=x');
    expect(await ask()).toEqual(await ask());
  });

  it('fails when the client was made to believe there is no -PLUS', async () => {
    expect(await converse(open({ offersPlus: true }), FIRST.replace('n,,', 'y,,'))).toEqual(['refused user']);
    expect(await converse(open(), FIRST.replace('n,,', 'y,,'))).toEqual([`> ${SERVER}`]);
  });

  it('-PLUS takes only proofs bound to this channel', async () => {
    const binding = Buffer.from('channel');
    const bindings = new Map([['tls-exporter', binding]]);
    const header = 'p=tls-exporter,,';
    const bare = 'n=user,r=rOprNGfwEbeRWgbNEkqO';
    const plus = (): Scram => open({ bindings }, 'SCRAM-SHA-256-PLUS');
    expect((await converse(plus(), header + bare, prove(header, bare, binding), ''))[2]).toBe('done user');
    expect((await converse(plus(), header + bare, prove(header, bare, Buffer.from('another'))))[1]).toBe('refused user');
    expect(await converse(plus(), `p=tls-unique,,${bare}`)).toEqual(['refused user']);
    expect(await converse(plus(), FIRST)).toEqual(['refused user']);
  });
});
