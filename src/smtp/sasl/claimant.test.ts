/** Our side of each mechanism, against the published examples and against the side that checks. */
import { describe, expect, it } from 'vitest';
import { type Claimant, claim } from './claimant.js';
import { CramMd5 } from './cram-md5.js';
import { storeOf } from './fixture.js';
import { Login } from './login.js';
import type { Mechanism, Step } from './mechanism.js';
import { Plain } from './plain.js';
import { Scram } from './scram.js';

const USERS = { tim: 'tanstaaftanstaaf', user: 'pencil', 'a,b=c': 'geheim' };
const never = (): string => {
  throw new Error('no nonce is wanted');
};

/** Lets both sides talk until one of them ends it. */
async function talk(claimant: Claimant, mechanism: Mechanism): Promise<Step | 'given up'> {
  let step = await mechanism.step(claimant.initial);
  while (step.kind === 'challenge') {
    const answer = await claimant.respond(step.bytes);
    if (answer === undefined) return 'given up';
    step = await mechanism.step(answer);
  }
  return step;
}

const serverOf = {
  PLAIN: () => new Plain(storeOf(USERS)),
  LOGIN: () => new Login(storeOf(USERS)),
  'CRAM-MD5': () => new CramMd5(storeOf(USERS), '<1896.697170952@postoffice.reston.mci.net>'),
  'SCRAM-SHA-256': () => new Scram('SCRAM-SHA-256', storeOf(USERS), { nonce: 'server', saltOf: () => Buffer.from('salt') }),
} as const;

describe.each(Object.keys(serverOf) as (keyof typeof serverOf)[])('%s', (name) => {
  it('convinces with the right secret only', async () => {
    for (const [user, secret] of Object.entries(USERS)) {
      const claimant = claim(name, { user, secret }, () => 'client');
      expect(await talk(claimant, serverOf[name]())).toEqual({ kind: 'done', user });
      expect(claimant.proven).toBe(true);
      expect(
        await talk(
          claim(name, { user, secret: 'wrong' }, () => 'client'),
          serverOf[name](),
        ),
      ).toMatchObject({ kind: 'failed' });
    }
  });
});

describe('the examples', () => {
  it('of RFC 2195 and RFC 4616', async () => {
    const cram = claim('CRAM-MD5', { user: 'tim', secret: 'tanstaaftanstaaf' }, never);
    const answer = await cram.respond(Buffer.from('<1896.697170952@postoffice.reston.mci.net>'));
    expect(answer?.toString()).toBe('tim b913a602c7eda7a495b4e6e7334d3890');
    expect(claim('PLAIN', { user: 'tim', secret: 'tanstaaftanstaaf' }, never).initial?.toString()).toBe('\0tim\0tanstaaftanstaaf');
  });

  it('of RFC 7677', async () => {
    const scram = claim('SCRAM-SHA-256', { user: 'user', secret: 'pencil' }, () => 'rOprNGfwEbeRWgbNEkqO');
    expect(scram.initial?.toString()).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const final = await scram.respond(Buffer.from(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`));
    expect(final?.toString()).toBe(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`);
    expect(scram.proven).toBe(false);
    expect((await scram.respond(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')))?.toString()).toBe('');
    expect(scram.proven).toBe(true);
  });

  it('of XOAUTH2: the refusal is answered with nothing, so that the server can end', async () => {
    const oauth = claim('XOAUTH2', { user: 'someuser@example.com', secret: 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg' }, never);
    expect(oauth.initial?.toString('base64')).toBe(
      'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
    );
    expect((await oauth.respond(Buffer.from('{"status":"401"}')))?.length).toBe(0);
  });
});

describe('a server that is not what it should be', () => {
  it.each([
    'r=client,s=c2FsdA==,i=4096',
    'r=other,s=c2FsdA==,i=4096',
    'r=clientserver,s=c2FsdA==,i=0',
    'r=clientserver,s=c2FsdA==,i=99999999',
    'nonsense',
    '',
  ])('is given up: %j', async (first) => {
    expect(await claim('SCRAM-SHA-256', { user: 'a', secret: 'b' }, () => 'client').respond(Buffer.from(first))).toBeUndefined();
  });

  it('never gets past its own proof', async () => {
    const scram = claim('SCRAM-SHA-256', { user: 'user', secret: 'pencil' }, () => 'client');
    await scram.respond(Buffer.from('r=clientserver,s=c2FsdA==,i=1'));
    expect(await scram.respond(Buffer.from('v=AAAA'))).toBeUndefined();
    expect(scram.proven).toBe(false);
  });

  it('is not told the password twice', () => {
    const login = claim('LOGIN', { user: 'a', secret: 'b' }, never);
    expect([1, 2, 3].map(() => login.respond(Buffer.from('?'))?.toString())).toEqual(['a', 'b', undefined]);
    expect(claim('PLAIN', { user: 'a', secret: 'b' }, never).respond(Buffer.alloc(0))).toBeUndefined();
  });
});
