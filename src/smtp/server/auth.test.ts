/** The dialogue of AUTH over a socket, with mechanisms over a store of the test's own. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, openStage, type Setting, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';
import { reply } from '../../mail/reply.js';
import { CramMd5 } from '../sasl/cram-md5.js';
import { storeOf } from '../sasl/fixture.js';
import { Login } from '../sasl/login.js';
import { OAuth } from '../sasl/oauth.js';
import { Plain } from '../sasl/plain.js';
import { maskSecret } from './auth-mask.js';
import type { Reception } from './reception.js';

const encode = (text: string): string => Buffer.from(text).toString('base64');
const GOOD = encode('\0tim\0pencil');
const BAD = encode('\0tim\0pen');

const stages: Stage[] = [];
afterEach(async () => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
});

const store = storeOf({ tim: 'pencil' });
const LOGINS: Pick<Reception<object>, 'mechanisms' | 'beginAuth' | 'endAuth'> = {
  mechanisms: () => ['CRAM-MD5', 'PLAIN', 'LOGIN', 'XOAUTH2'],
  beginAuth(_, name) {
    if (name === 'PLAIN') return new Plain(store);
    if (name === 'LOGIN') return new Login(store);
    return name === 'XOAUTH2' ? new OAuth('XOAUTH2', store) : new CramMd5(store, '<1@mx.test>');
  },
  endAuth: async (_, __, ended) => (ended.kind === 'done' ? undefined : { do: 'reject', reply: reply(535, '5.7.8', 'no') }),
};

async function open(options: Setting['options'] = {}, logins: Partial<Reception<object>> = LOGINS): Promise<[Stage, Client, string]> {
  const stage = await openStage({ options, before: (reception) => void Object.assign(reception, logins) });
  stages.push(stage);
  const client = await stage.dial();
  return [stage, client, await client.ask('EHLO client.test\r\n')];
}

describe('AUTH', () => {
  it('is shown in both forms, and lets the client in', async () => {
    const [{ reception, service }, client, ehlo] = await open();
    expect(ehlo).toContain('250-AUTH CRAM-MD5 PLAIN LOGIN XOAUTH2\r\n');
    expect(ehlo).toContain('250 AUTH=CRAM-MD5 PLAIN LOGIN XOAUTH2');
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toBe('235 2.7.0 Authentication successful');
    expect([...service.list()][0]?.user).toBe('tim');
    expect(reception.commands).toContain('AUTH|AUTH PLAIN ***|235');
    expect(await client.ask('MAIL FROM:<a@b.test> AUTH=tim+40b.test\r\n')).toMatch(/^250/);
  });

  it('goes line by line', async () => {
    const [{ reception }, client] = await open();
    expect(await client.ask('auth login\r\n')).toBe(`334 ${encode('Username:')}`);
    expect(await client.ask(`${encode('tim')}\r\n`)).toBe(`334 ${encode('Password:')}`);
    expect(await client.ask(`${encode('pencil')}\r\n`)).toMatch(/^235/);
    expect(reception.commands.filter((line) => line.startsWith('AUTH'))).toEqual(['AUTH|AUTH login|235']);
  });

  it('takes no initial response where the server speaks first, and `=` for an empty one', async () => {
    const [, client] = await open();
    expect(await client.ask(`AUTH CRAM-MD5 ${GOOD}\r\n`)).toMatch(/^535/);
    expect(await client.ask('AUTH PLAIN =\r\n')).toMatch(/^535/);
    expect(await client.ask('AUTH PLAIN\r\n')).toBe('334 ');
  });

  it('is not there without mechanisms', async () => {
    const [, client, ehlo] = await open({}, {});
    expect(ehlo).not.toContain('AUTH');
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toBe('502 5.5.1 command not implemented');
  });

  it('offers what smtp_extensions names', async () => {
    const [, client, ehlo] = await open({ smtp_extensions: ['AUTH LOGIN', 'DSN', 'AUTH=CRAM-MD5'] });
    expect(ehlo).toContain('AUTH CRAM-MD5 LOGIN\r\n');
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toBe('504 5.5.4 authentication mechanism not offered');
    expect((await open({ smtp_extensions: ['AUTH'] }))[2]).toContain('AUTH CRAM-MD5 PLAIN LOGIN XOAUTH2');
    expect((await open({ smtp_extensions: ['DSN'] }))[2]).not.toContain('AUTH');
  });

  it('is demanded before MAIL by enable_authentication', async () => {
    const [, client] = await open({ enable_authentication: true });
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('530 5.7.0 Authentication required');
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toMatch(/^235/);
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
    const [, free] = await open({ enable_authentication: true, open_relay: true });
    expect(await free.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
  });

  it('answers for a mechanism that throws and for a reception that does', async () => {
    const trouble = { step: () => Promise.reject(new Error('broken')), name: 'PLAIN' };
    const [{ reception }, client] = await open({}, { ...LOGINS, beginAuth: () => trouble });
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toMatch(/^535/);
    expect(reception.errors).toHaveLength(1);
    const [stage, other] = await open({}, { ...LOGINS, endAuth: () => Promise.reject(new Error('broken')) });
    expect(await other.ask(`AUTH PLAIN ${GOOD}\r\n`)).toBe('451 4.3.0 temporary policy failure');
    expect([...stage.service.list()][0]?.user).toBeUndefined();
  });

  it('fails after whatever follows the reason of a refused token', async () => {
    const [, client] = await open();
    const claim = encode('user=tim\x01auth=Bearer nope\x01\x01');
    for (const answer of ['', 'AQ==', '*', 'no base64']) {
      const [, again] = await open();
      expect(await again.ask(`AUTH XOAUTH2 ${claim}\r\n`)).toMatch(/^334 ey/);
      expect(await again.ask(`${answer}\r\n`)).toMatch(/^535/);
    }
    expect(await client.ask(`AUTH XOAUTH2 ${encode('user=tim\x01auth=Bearer pencil\x01\x01')}\r\n`)).toMatch(/^235/);
  });
});

describe('bad-inputs 16: AUTH with commands behind it', () => {
  it.each([`AUTH PLAIN ${GOOD}\r\nMAIL FROM:<a@b.test>\r\n`, `AUTH LOGIN\r\n${encode('tim')}\r\n`])(
    '%j gets 503 and the end',
    async (said) => {
      const [{ reception }, client] = await open();
      expect(await client.ask(said)).toMatch(/^503 5\.5\.0/);
      expect(await client.rest()).toBe('');
      expect(JSON.stringify([reception.commands, reception.told])).not.toContain(GOOD);
    },
  );

  it('also behind the last line of an exchange, and while the answer is awaited', async () => {
    const [, client] = await open();
    await client.ask('AUTH PLAIN\r\n');
    expect(await client.ask(`${GOOD}\r\nMAIL FROM:<a@b.test>\r\n`)).toMatch(/^503 5\.5\.0/);
    const slow: Partial<Reception<object>> = { ...LOGINS, endAuth: () => new Promise((done) => setTimeout(done, 50)) };
    const [{ service }, other] = await open({}, slow);
    other.say(`AUTH PLAIN ${GOOD}\r\n`);
    await new Promise((done) => setTimeout(done, 20));
    other.say('MAIL FROM:<a@b.test>\r\n');
    expect(await other.hear()).toMatch(/^503 5\.5\.0/);
    expect([...service.list()].every(({ user }) => user === undefined)).toBe(true);
  });
});

describe('bad-inputs 19: AUTH', () => {
  it('over plaintext from elsewhere is not offered and gets 538', async () => {
    const near = { peer: { value: { ip: '192.0.2.9', port: 9 } } };
    const accept = (session: object): undefined => void Object.defineProperties(session, near);
    const far = (options?: Setting['options']): ReturnType<typeof open> =>
      open(options, { ...LOGINS, accept: (session) => accept(session) });
    const [, client, ehlo] = await far();
    expect(ehlo).toContain('to 192.0.2.9');
    expect(ehlo).not.toContain('AUTH');
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toBe('538 5.7.11 Encryption required for authentication');
    expect((await far({ auth_without_tls: true }))[2]).toContain('AUTH CRAM-MD5 PLAIN LOGIN XOAUTH2');
  });

  it('bad base64, `*` and control characters end the attempt with 501', async () => {
    const [{ reception }, client] = await open();
    expect(await client.ask('AUTH PLAIN a\r\n')).toBe('501 5.5.2 invalid base64 data');
    expect(await client.ask('AUTH\r\n')).toBe('501 5.5.4 invalid arguments to AUTH');
    expect(await client.ask('AUTH PLAIN a b\r\n')).toBe('501 5.5.4 invalid arguments to AUTH');
    expect(await client.ask('AUTH NTLM\r\n')).toBe('504 5.5.4 authentication mechanism not offered');
    for (const [said, heard] of [
      ['*', '501 5.7.0 authentication cancelled'],
      ['=', '501 5.5.2 invalid base64 data'],
      ['AB\tC', '501 5.5.2 invalid base64 data'],
    ] as const) {
      expect(await client.ask('AUTH LOGIN\r\n')).toMatch(/^334/);
      expect(await client.ask(`${said}\r\n`)).toBe(heard);
    }
    expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
    expect(reception.commands.filter((line) => line.includes('AB'))).toEqual([]);
  });

  it('twice, or within a transaction, gets 503', async () => {
    const [, client] = await open();
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toBe('503 5.5.1 bad sequence of commands');
    await client.ask('RSET\r\n');
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toMatch(/^235/);
    expect(await client.ask(`AUTH PLAIN ${GOOD}\r\n`)).toBe('503 5.5.1 bad sequence of commands');
  });

  it('the fourth failure of a session is its last', async () => {
    const [{ reception }, client] = await open();
    for (let i = 0; i < 3; i++) expect(await client.ask(`AUTH PLAIN ${BAD}\r\n`)).toBe('535 5.7.8 no');
    expect(await client.ask(`AUTH PLAIN ${BAD}\r\n`)).toBe('421 4.7.0 too many authentication failures');
    expect(await client.rest()).toBe('');
    expect(reception.told.some((line) => line.includes('421'))).toBe(true);
  });

  it('lines may have 12288 octets, those of other commands what they always had', async () => {
    const [, client] = await open();
    expect(await client.ask(`NOOP ${'x'.repeat(2044)}\r\n`)).toBe('500 5.5.2 command line too long');
    expect(await client.ask('AUTH LOGIN\r\n')).toMatch(/^334/);
    expect(await client.ask(`${'A'.repeat(12_288)}\r\n`)).toMatch(/^535/);
    expect(await client.ask('AUTH LOGIN\r\n')).toMatch(/^334/);
    expect(await client.ask(`${'A'.repeat(12_292)}\r\n`)).toBe('500 5.5.6 authentication exchange line is too long');
    expect(await client.ask(`AUTH PLAIN ${encode(`\0tim\0${'x'.repeat(6000)}`)}\r\n`)).toMatch(/^535/);
  });

  it('secrets stand in nothing that is told, however the line is written', () => {
    for (const line of [
      'AUTH PLAIN c2VjcmV0',
      'auth  plain  c2VjcmV0 x',
      'AUTH=PLAIN c2VjcmV0',
      ' auth plain c2VjcmV0',
      'AUTHPLAIN c2VjcmV0',
      'AUTH c2VjcmV0=',
    ]) {
      expect(maskSecret(line), line).not.toContain('c2VjcmV0');
    }
    expect(maskSecret('AUTH PLAIN c2VjcmV0')).toBe('AUTH PLAIN ***');
    expect(maskSecret('MAIL FROM:<a@b.test>')).toBe('MAIL FROM:<a@b.test>');
  });
});
