/** Rules of one's own: their order, their files, classes, what is refused, and how fast ten thousand are. */
import { describe, expect, it } from 'vitest';
import { Bounces } from '#module';
import { Classifier } from '../../src/bounce/classifier.js';
import { loadShippedPack } from '../../src/bounce/shipped.js';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { lendBounces } from '../../src/server/bounces.js';
import { makePlans } from '../../src/server/plans.js';
import bounceClassifier from '../bounce_classifier/index.js';
import override from './index.js';
import { readOverrides } from './overrides.js';

const manifests = [override, bounceClassifier];

async function open(text: string, files: Record<string, string | Error> = {}) {
  const configured = await configureText(text, { manifests, unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const classifier = new Classifier(loadShippedPack());
  const bounces = lendBounces(classifier);
  const rehearsal = rehearse({
    outbound: (where) => configured.snapshot.at(where),
    service: (token) => (token === Bounces ? bounces : undefined),
    readFile: async (name) => {
      const found = files[name];
      if (found instanceof Error) throw found;
      if (found === undefined) throw Object.assign(new Error(`ENOENT ${name}`), { code: 'ENOENT' });
      return Buffer.from(found);
    },
  });
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(configured.snapshot, manifests)));
  const classify = (reply: string, domain = ''): unknown => registry.current.hooks.chains.classify.run(reply, domain);
  const command = (name: string, ...args: string[]): unknown =>
    registry.current.commands.get(name)?.command.run(args, new AbortController().signal);
  return { ...rehearsal, configured, classifier, files, classify, command };
}

const USER = 'user_smtp_classification.ovr';
const SYSTEM = 'updates/smtp_classification.ovr';

describe('rules', () => {
  it('of the user go before those of the system, those for a domain before those for all', async () => {
    const { classify } = await open('bounce_classifier_override { }', {
      [USER]: ',52,no such user\none.test,50,no such user\n',
      [SYSTEM]: 'one.test,20,busy\n,21,busy\n,22,no such user\n,23,only here\n',
    });
    expect(classify('550 no such user', 'ONE.test')).toBe(50);
    expect(classify('550 no such user', 'two.test')).toBe(52);
    expect(classify('451 busy', 'one.test')).toBe(20);
    expect(classify('451 busy', 'two.test')).toBe(21);
    expect(classify('550 only here')).toBe(23);
    expect(classify('550 else')).toBeUndefined();
  });

  it('take | for any run of characters, commas in a rule, and no case', async () => {
    const { classify } = await open('bounce_classifier_override { }', { [USER]: ',51,account|, alas, |Gone\n' });
    expect(classify('550 Account 17 is now, alas, very GONE')).toBe(51);
    expect(classify('550 gone, alas, is this account')).toBeUndefined();
  });

  it('for notices are asked by their own hook', async () => {
    const { registry } = await open('bounce_classifier_override { }', { 'user_mdn_classification.ovr': '60,i am away\n' });
    expect(registry.current.hooks.chains.classify_notice.run('Sorry, I am away')).toBe(60);
    expect(registry.current.hooks.chains.classify_notice.run('other')).toBeUndefined();
  });

  it('of the system can be left out', async () => {
    const { classify } = await open('bounce_classifier_override { enable_system_updates = false }', { [SYSTEM]: ',23,only here\n' });
    expect(classify('550 only here')).toBeUndefined();
  });
});

describe('files', () => {
  it('are read again after the refresh time and on the console; what one said last stays while it cannot be read', async () => {
    const files: Record<string, string | Error> = { [USER]: ',50,alpha\n' };
    const { classify, clock, command, said } = await open('bounce_classifier_override { refresh = 60 }', files);
    files[USER] = ',51,alpha\n';
    expect(classify('550 alpha')).toBe(50);
    await clock.advance(61_000);
    expect(classify('550 alpha')).toBe(51);
    files[USER] = new Error('EIO');
    expect(await command('bounce_classifier_override reload')).toBe('1 rules in force.');
    expect(classify('550 alpha')).toBe(51);
    expect(said.map(({ text }) => text).join()).toContain('its last rules stay');
    delete files[USER];
    await command('bounce_classifier_override reload');
    expect(classify('550 alpha')).toBeUndefined();
  });

  it('that are missing get a notice, bad lines are named and left out', async () => {
    const { classify, said } = await open('bounce_classifier_override { }', {
      [USER]: '# mine\n\n,50,good\nnonsense\n,11,no class\n,50, | \n',
    });
    expect(classify('550 good')).toBe(50);
    const texts = said.map(({ level, text }) => `${level} ${text}`);
    expect(texts.filter((text) => text.startsWith('error'))).toEqual([
      `error ${USER}:4: three columns are wanted: domain,code,rule; the line is left out`,
      `error ${USER}:5: there is no class "11"; the line is left out`,
      `error ${USER}:6: the rule is empty; the line is left out`,
    ]);
  });

  it.each([
    ['notice', 'x', 'two columns'],
    ['notice', ',x', 'there is no class ""'],
    ['notice', '1e1,x', 'there is no class "1e1"'],
    ['reply', ',10', 'three columns'],
    ['reply', `,10,${'x'.repeat(1001)}`, 'too long'],
  ] as const)('%s: %j is refused', (kind, line, say) => {
    expect(readOverrides(line, kind, (code) => code === 10).bad[0]?.say).toContain(say);
  });
});

describe('classes of one’s own', () => {
  it('have a number, a name, and rules', async () => {
    const { classify, classifier, command, registry } = await open(
      'bounce_classifier_override { custom_classes = [ 77 = "paused account" ] }',
      { [USER]: ',77,paused\n' },
    );
    expect(classify('550 account paused')).toBe(77);
    expect(classifier.nameOf(77)).toBe('paused account');
    expect(await command('bounce_classifier_override test', '550 account paused')).toEqual([
      { class: 77, name: 'paused account', rule: 'paused' },
    ]);
    expect(await command('bounce_classifier_override test', '550 5.2.2 full', 'x.test')).toEqual([
      { class: 22, name: 'Mailbox Full', rule: 'status code' },
    ]);
    registry.stop();
    expect(classifier.nameOf(77)).toBeUndefined();
  });

  it.each([
    ['custom_classes = [ 10 = "mine" ]', '10 is a class of the table'],
    ['custom_classes = [ 101 = "mine" ]', '"101" is no number from 1 to 99'],
    ['custom_classes = [ x = "mine" ]', '"x" is no number from 1 to 99'],
    ['custom_classes = [ 77 = "" ]', 'class 77 has no name'],
    ['user_smtp_classification_override = ":datasource:db:SELECT 1"', 'need the module ds_core'],
  ])('%s is refused at check', async (option, say) => {
    const configured = await configureText(`bounce_classifier_override { ${option} }`, { manifests });
    expect(configured.ok).toBe(false);
    expect(configured.problems.map((problem) => problem.say).join()).toContain(say);
  });
});

describe('bounce_classifier', () => {
  it('does the same under its old name, says once that it is old, and has no test', async () => {
    const { classify, command, configured } = await open('bounce_classifier "x" { custom_classes = [ 99 = "profanity" ] }', {
      [USER]: ',99,rude word\n',
    });
    expect(classify('550 rude word')).toBe(99);
    expect(await command('bounce_classifier:x reload')).toBe('1 rules in force.');
    expect(command('bounce_classifier:x test', '550')).toBeUndefined();
    expect(configured.problems.filter(({ say }) => say.includes('old name'))).toHaveLength(1);
  });

  it('does not run beside the new name', async () => {
    await expect(open('bounce_classifier "x" { }\nbounce_classifier_override { }')).rejects.toThrow('exclude each other');
  });
});

describe('ten thousand rules', () => {
  it('class far above what delivery can ask (50,000 a second on a quiet machine)', async () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, n) => `${n % 3 === 0 ? `d${n}.test` : ''},50,policy ${n} of host mx${n}.example says no`,
    );
    const { classify } = await open('bounce_classifier_override { }', { [USER]: lines.join('\n') });
    const replies = Array.from(
      { length: 1000 },
      (_, n) => `550 5.7.1 policy ${n * 7} of host mx${n * 7}.example says no, see https://example.net/${n}`,
    );
    for (const reply of replies) classify(reply, 'x.test');
    const began = performance.now();
    for (let i = 0; i < 20; i++) for (const reply of replies) classify(reply, 'x.test');
    const perSecond = (20 * replies.length * 1000) / (performance.now() - began);
    // A machine that is busy with other tests takes its share.
    expect(perSecond).toBeGreaterThan(10_000);
    expect(classify('550 policy 7 of host mx7.example says no', 'x.test')).toBe(50);
    expect(classify('550 policy 9 of host mx9.example says no', 'x.test')).toBeUndefined();
    expect(classify('550 policy 9 of host mx9.example says no', 'd9.test')).toBe(50);
  });
});
