/** outbound_smtp_auth from the scopes it stands in, and the context of the mail, to the identity that is answered. */
import { describe, expect, it } from 'vitest';
import type { PlaceParts } from '#module';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { makePlans } from '../../src/server/plans.js';
import { makeCopies } from '../../test/fixtures/copies.js';
import outboundSmtpAuth from './index.js';
import { loginOf } from './login.js';

const places = new PlaceTable();
const LOADED = 'outbound_smtp_auth {}\n';
const configureIt = (text: string) => configureText(LOADED + text, { manifests: [outboundSmtpAuth] });

async function start(text: string) {
  const configured = await configureIt(text);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const rehearsal = rehearse({ scoped: (_module, where) => snapshot.moduleValues(outboundSmtpAuth, where as PlaceParts) });
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(snapshot, [outboundSmtpAuth])));
  const run = (domain = 'a.test', facts: Readonly<Record<string, string>> = {}, routing = domain) => {
    const [mail] = makeCopies([`x@${domain}`], { facts });
    if (!mail) throw new Error('no mail');
    mail.place = places.of('default', 'default', routing);
    return registry.current.hooks.chains.outbound_auth.run(mail);
  };
  return { ...rehearsal, run };
}

const TWO = `outbound_smtp_auth_type = plain
domain "a.test" {
  outbound_smtp_auth_user = "ann"
  outbound_smtp_auth_pass = "one"
}
domain "b.test" {
  outbound_smtp_auth_type = CRAM-MD5
  outbound_smtp_auth_user = "ben"
  outbound_smtp_auth_pass = "two"
  outbound_smtp_auth_fail = permfail
  outbound_smtp_auth_require_tls = false
}`;

describe('outbound_smtp_auth', () => {
  it('answers by place', async () => {
    const { run } = await start(TWO);
    expect(run('a.test')).toEqual({ mechanism: 'PLAIN', user: 'ann', secret: 'one', inClear: false, refused: 'tempfail' });
    expect(run('b.test')).toEqual({ mechanism: 'CRAM-MD5', user: 'ben', secret: 'two', inClear: true, refused: 'permfail' });
    expect(run('c.test')).toBeUndefined();
    expect(run('a.test')).toBe(run('a.test'));
  });

  it("asks the recipient's domain before the gateway's", async () => {
    const { run } = await start(`${TWO}\ndomain "[192.0.2.1]" {\n  outbound_smtp_auth_user = "gw"\n  outbound_smtp_auth_pass = "x"\n}`);
    expect(run('a.test', {}, '[192.0.2.1]')).toMatchObject({ user: 'ann' });
    expect(run('c.test', {}, '[192.0.2.1]')).toMatchObject({ user: 'gw' });
  });

  it('lets the context of a mail take the place of options', async () => {
    const { run } = await start(TWO);
    const mine = { outbound_smtp_auth_user: 'cyd', outbound_smtp_auth_pass: 'three' };
    expect(run('a.test', mine)).toMatchObject({ mechanism: 'PLAIN', user: 'cyd', secret: 'three' });
    expect(run('c.test', mine)).toMatchObject({ mechanism: 'PLAIN', user: 'cyd', secret: 'three' });
    expect(run('a.test', { outbound_smtp_auth_type: 'xoauth2', outbound_smtp_auth_fail: 'permfail' })).toMatchObject({
      mechanism: 'XOAUTH2',
      user: 'ann',
      refused: 'permfail',
    });
    expect(run('a.test', { outbound_smtp_auth_require_tls: 'false' })).toMatchObject({ inClear: true });
    expect(run('a.test', { outbound_smtp_auth_type: 'false' })).toBeUndefined();
    expect(run('a.test', { outbound_smtp_auth_user: '' })).toBeUndefined();
    expect(run('a.test', { other: 'x' })).toMatchObject({ user: 'ann' });
  });

  it.each([
    [{ outbound_smtp_auth_type: 'NTLM' }, /type is none/],
    [{ outbound_smtp_auth_pass: '' }, /without a password/],
    [{ outbound_smtp_auth_user: 'a\0b' }, /no mechanism can say/],
    [{ outbound_smtp_auth_pass: 'a\x01b' }, /no mechanism can say/],
    [{ outbound_smtp_auth_fail: 'perhaps' }, /neither tempfail nor permfail/],
    [{ outbound_smtp_auth_require_tls: 'perhaps' }, /neither true nor false/],
  ])('keeps mail back that says %j', async (facts, words) => {
    const { run } = await start(TWO);
    expect(run('a.test', facts)).toEqual({ cannot: expect.stringMatching(words) });
    expect(run('a.test', facts)).toEqual({ cannot: expect.stringMatching(/^454 4\.7\.0 \[internal\] /) });
  });

  it('never says the password in what it refuses', () => {
    const facts = { get: (key: string) => (key === 'outbound_smtp_auth_pass' ? 'hush\0hush' : undefined) };
    const settings = {
      outbound_smtp_auth_type: 'PLAIN',
      outbound_smtp_auth_user: 'ann',
      outbound_smtp_auth_pass: undefined,
      outbound_smtp_auth_fail: 'tempfail',
      outbound_smtp_auth_require_tls: true,
    } as const;
    expect(JSON.stringify(loginOf(settings, facts))).not.toContain('hush');
  });

  it('counts failed log-ins, and no other failures', async () => {
    const { registry, counts } = await start(TWO);
    const tell = (reply: string): void =>
      registry.current.hooks.chains.connect_failed.run({ place: places.of('default', 'default', 'a.test'), hop: 'mx', reply, at: 0 });
    tell('454 4.7.8 [internal] AUTH refused: 535 no');
    tell('454 4.7.0 [internal] peer does not offer AUTH');
    tell('451 4.4.1 [internal] No valid hosts');
    expect(counts.get('outbound_smtp_auth_failures')).toBe(2);
  });

  it.each([
    ['outbound_smtp_auth_type = NTLM', 2, /is not one of/],
    ['outbound_smtp_auth_type = PLAIN\noutbound_smtp_auth_user = "ann"', 3, /without outbound_smtp_auth_pass/],
    ['domain "a.test" {\n  outbound_smtp_auth_user = "ann"\n}', 3, /without outbound_smtp_auth_pass/],
    ['outbound_smtp_auth_pass = ""', 2, /is empty/],
    ['outbound_smtp_auth_fail = later', 2, /is not one of/],
  ])('check refuses %j', async (text, line, words) => {
    const configured = await configureIt(text);
    expect(configured.ok).toBe(false);
    expect(configured.problems).toContainEqual(expect.objectContaining({ severity: 'error', line, say: expect.stringMatching(words) }));
  });

  it('names a user without a type, and takes false for none', async () => {
    const configured = await configureIt('outbound_smtp_auth_user = "ann"\noutbound_smtp_auth_pass = "x"');
    expect(configured.ok).toBe(true);
    expect(configured.problems).toContainEqual(expect.objectContaining({ severity: 'notice', say: expect.stringContaining('no effect') }));
    expect((await configureIt('outbound_smtp_auth_type = false')).ok).toBe(true);
  });
});
