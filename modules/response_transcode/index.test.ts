/** response_transcode from the scopes it stands in to what becomes of a reply. */
import { describe, expect, it } from 'vitest';
import { Address, bodyOf, Copy, type Delivery } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { makePlans } from '../../src/server/plans.js';
import responseTranscode from './index.js';
import { mayStand, rewrite } from './rewrite.js';

const places = new PlaceTable();
const configureIt = (text: string) => configureText(text, { manifests: [responseTranscode] });
const deferred = (reply: string): Delivery => ({ outcome: 'deferred', reply });
const failed = (reply: string): Delivery => ({ outcome: 'failed', reply });

async function start(text: string) {
  const configured = await configureIt(text);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const rehearsal = rehearse({
    scoped: (_module, where) => snapshot.moduleValues(responseTranscode, 'place' in where ? (where as Copy).place : where),
  });
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(snapshot, [responseTranscode])));
  const run = (delivery: Delivery, domain = 'far.test', binding = 'default') => {
    const mail = copyFor(domain, binding);
    return { out: registry.current.hooks.chains.outcome.run(delivery, mail), mail };
  };
  return { ...rehearsal, run };
}

function copyFor(domain: string, binding: string): Copy {
  const reception = {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp',
    receivedAt: 0,
    sender: null,
    facts: new Facts(),
    smtpUtf8: false,
  } as const;
  const copy = new Copy('id', reception, [new Address('a', domain)], new Headers(Buffer.alloc(0)), bodyOf([Buffer.alloc(0)]), new Facts());
  copy.place = places.of('default', binding, domain);
  return copy;
}

describe('a rewrite', () => {
  const rules = [{ pattern: /^454 (\S+)(?: (.*))?/, replace: '554 [$1] $2' }];

  it('puts groups in, and the code decides', () => {
    expect(rewrite(deferred('454 4.7.1 no such user'), rules)).toEqual({ delivery: failed('554 [4.7.1] no such user') });
    expect(rewrite(deferred('454 x'), rules)).toEqual({ delivery: failed('554 [x] ') });
    expect(rewrite(failed('550 later'), [{ pattern: /later/, replace: '451 $0' }])).toEqual({ delivery: deferred('451 later') });
  });

  it('takes the first rule that matches', () => {
    const two = [
      { pattern: /full/, replace: '552 one' },
      { pattern: /mailbox/, replace: '552 two' },
    ];
    expect(rewrite(deferred('452 mailbox full'), two)).toEqual({ delivery: failed('552 one') });
    expect(rewrite(deferred('452 mailbox'), two)).toEqual({ delivery: failed('552 two') });
    expect(rewrite(deferred('452 other'), two)).toBeUndefined();
  });

  it('leaves deliveries alone, and permanent failures of our own, but not transient ones', () => {
    const all = [{ pattern: /./, replace: '551 x' }];
    expect(rewrite({ outcome: 'delivered', reply: '250 ok' }, all)).toBeUndefined();
    expect(rewrite(failed('550 5.4.4 [internal] no host'), all)).toBeUndefined();
    expect(rewrite(deferred('451 4.4.2 [internal] timeout'), all)).toEqual({ delivery: failed('551 x') });
  });

  it('makes no success of a failure, and does not wait for a pattern without end', () => {
    expect(rewrite(deferred('250-ish 451'), [{ pattern: /(250)/, replace: '$1 ok' }])).toMatchObject({
      fault: 'no failure',
      text: '250 ok',
    });
    expect(rewrite(deferred(`451 ${'a'.repeat(100)}b`), [{ pattern: /(a+)+$/, replace: '551 x' }])).toMatchObject({ fault: 'no end' });
  });

  it.each([
    ['554 x', true],
    ['451', true],
    ['$1', true],
    ['250 x', false],
    ['5500', false],
    ['no', false],
    ['', false],
  ])('may become %j: %s', (text, may) => {
    expect(mayStand(text)).toBe(may);
  });
});

describe('response_transcode', () => {
  it('loads by itself when one of its options is written, and else not', async () => {
    const used = await start('response_transcode_pattern = "/^454/"\nresponse_transcode_replace = "554 no"');
    expect(used.registry.current.instances).toHaveLength(1);
    expect((await start('')).registry.current.instances).toHaveLength(0);
  });

  it('acts in its scope only, and keeps the reply as it came', async () => {
    const { run, counts } = await start(
      'domain "broken.test" {\n response_transcode_pattern = "/^454 (.*)/"\n response_transcode_replace = "554 $1"\n}',
    );
    const { out, mail } = run(deferred('454 no user'), 'broken.test');
    expect(out).toEqual(failed('554 no user'));
    expect(mail.facts.get('response_transcode_original')).toBe('454 no user');
    const other = run(deferred('454 no user'));
    expect(other.out).toEqual(deferred('454 no user'));
    expect(other.mail.facts.get('response_transcode_original')).toBeUndefined();
    expect(counts.get('response_transcode_rewritten')).toBe(1);
  });

  it('tries the dictionary after the pair', async () => {
    const { run } = await start(
      'response_transcode_pattern = "/full/"\nresponse_transcode_replace = "552 one"\nresponse_transcode_rules = [ "/full/" = "552 two" "/later/" = "451 $0" ]',
    );
    expect(run(deferred('452 full')).out).toEqual(failed('552 one'));
    expect(run(failed('554 later')).out).toEqual(deferred('451 later'));
  });

  it('says once a minute that a rule is faulty, and changes nothing', async () => {
    const { run, said, counts } = await start(
      'debug_flags { error = ( all ) }\nresponse_transcode_pattern = "/(\\d)/"\nresponse_transcode_replace = "$1"',
    );
    for (let n = 0; n < 3; n++) expect(run(deferred('451 x')).out).toEqual(deferred('451 x'));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatchObject({ level: 'error', text: expect.stringContaining('makes "4" of it, which is no failure') });
    expect(counts.get('response_transcode_faults')).toBe(3);
  });

  it.each([
    ['response_transcode_pattern = "/x/"', 1, /has no effect without response_transcode_replace/],
    ['domain "a.test" {\n  response_transcode_replace = "554 x"\n}', 2, /has no effect without response_transcode_pattern/],
    ['response_transcode_pattern = "/(/"\nresponse_transcode_replace = "554 x"', 1, /does not compile/],
    ['response_transcode_pattern = "/x/"\nresponse_transcode_replace = "250 x"', 2, /is no failure/],
    ['response_transcode_rules = [ "/x/" = "ok" ]', 1, /is no failure/],
    ['response_transcode_rules = [ "/(/" = "554 x" ]', 1, /does not compile/],
  ])('check refuses %j', async (text, line, words) => {
    const configured = await configureIt(text);
    expect(configured.ok).toBe(false);
    expect(configured.problems).toContainEqual(expect.objectContaining({ severity: 'error', line, say: expect.stringMatching(words) }));
  });

  it('lets a scope within take the other half from around it', async () => {
    const { run } = await start(
      'response_transcode_pattern = "/x/"\nresponse_transcode_replace = "554 x"\ndomain "a.test" { response_transcode_replace = "553 y" }',
    );
    expect(run(deferred('451 x'), 'a.test').out).toEqual(failed('553 y'));
  });
});
