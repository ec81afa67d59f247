/** The bounce log with a text of one's own: its macros, its golden file, and what is refused. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Address, type Attempt, type Bounce, bodyOf, Copy, type LineWriter, Writers } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import customBounceLogger from './index.js';
import { readUserString } from './user-string.js';

const factsOf = (pairs: Record<string, string>): Facts => {
  const facts = new Facts();
  for (const [key, value] of Object.entries(pairs)) facts.set(key, value);
  return facts;
};
const reception = {
  batchId: 'b',
  connectionId: 'c',
  protocol: 'esmtp' as const,
  receivedAt: 1_800_000_000_250,
  sender: new Address('news', 'list.test'),
  facts: factsOf({ tenant: 'acme' }),
  source: { ip: '192.0.2.9', port: 1025 },
  helo: 'client.test',
  smtpUtf8: false,
};
const mailWith = (facts: Record<string, string>): Copy =>
  new Copy('m', reception, [new Address('r@x', 'd.test')], new Headers(Buffer.from('a: b\r\n\r\n')), bodyOf([]), factsOf(facts));
const marked = mailWith({ campaign: 'spring\n@ "sale"\\' });

const attemptOf = (mail: Copy): Attempt => ({
  mail,
  place: mail.place,
  at: 1_800_000_001_500,
  connectionId: '',
  stage: 0,
  bytes: 0,
  hop: undefined,
  bounceClass: 70,
  possibleDuplicate: false,
  tls: undefined,
  outcome: 'deferred',
  reply: '451 later@mx',
});
const bounceOf = (mail: Copy): Bounce => ({
  ...attemptOf(mail),
  recipient: mail.recipient,
  sender: mail.sender,
  ip: '198.51.100.1',
  stage: 21,
  bounceClass: 10,
  reply: '550 <r@d.test> no',
});

async function open(text: string) {
  const files = new Map<string, string[]>();
  const writers = {
    open: (uri: string): LineWriter => {
      const lines: string[] = [];
      files.set(uri, lines);
      return { line: (line) => void lines.push(line), reopen: async () => {}, flush: async () => {}, close: async () => {}, dropped: 0 };
    },
  };
  const configured = await configureText(text, { manifests: [customBounceLogger], unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const rehearsal = rehearse({ outbound: (where) => snapshot.at(where), service: (token) => (token === Writers ? writers : undefined) });
  rehearsal.registry.commit(await rehearsal.registry.prepare(makePlans(snapshot, [customBounceLogger])));
  return { ...rehearsal, files, chains: rehearsal.registry.current.hooks.chains };
}

describe('custom_bounce_logger', () => {
  it('is what the golden file says: two instances, a value, a missing one, an out-of-band bounce', async () => {
    const { chains, files, clock } = await open(
      'custom_bounce_logger "one" {\nbouncelog = "one"\nuser_string = "%{vctx_mess:campaign}/%{vctx_conn:tenant}"\n}\n' +
        'custom_bounce_logger "two" {\nbouncelog = "two"\nuser_string = "to %{rcptto_domain} from %{mailfrom}"\n}',
    );
    for (const mail of [marked, mailWith({})]) {
      chains.deferred.run(attemptOf(mail));
      chains.bounced.run(bounceOf(mail));
    }
    await clock.advance(60_000);
    const text = [...files].flatMap(([name, lines]) => [`# ${name}`, ...lines]).join('\n');
    expect(`${text}\n`).toBe(fs.readFileSync(path.join(import.meta.dirname, 'golden', 'bouncelog.cl'), 'utf8'));
  });

  it('a line has 17 fields whatever stands in them', async () => {
    const { chains, files } = await open('custom_bounce_logger "x" {\nbouncelog = "f"\nuser_string = "%{vctx_mess:campaign}"\n}');
    chains.bounced.run(bounceOf(marked));
    const [line = ''] = files.get('f') ?? [];
    expect(line.split(/(?<!\\)@/)).toHaveLength(17);
  });

  it('writes to the documented file, and an empty last field when no text is given', async () => {
    const { chains, files } = await open('custom_bounce_logger { }');
    chains.bounced.run(bounceOf(marked));
    expect([...files.keys()]).toEqual(['/var/log/ecelerity/bouncelog.cl']);
    expect(files.get('/var/log/ecelerity/bouncelog.cl')?.[0]).toMatch(/no@$/);
  });

  it.each([
    ['%{nothing}', 'there is no macro "nothing" (at 1)'],
    ['ab%{vctx_nope:x}', 'there is no macro "vctx_nope:x" (at 3)'],
    ['%{vctx_mess:}', 'there is no macro "vctx_mess:" (at 1)'],
    ['%{constructor}', 'there is no macro "constructor"'],
    ['x %{open', 'the macro at 3 has no end'],
  ])('refuses %j at check', async (text, say) => {
    const configured = await configureText(`custom_bounce_logger "x" { user_string = "${text}" }`, { manifests: [customBounceLogger] });
    expect(configured.ok).toBe(false);
    expect(configured.problems.map((problem) => problem.say).join(' ')).toContain(say);
  });

  it.each([
    ['%{rcptto}', 'r\\@x\\@d.test'],
    ['%{rcptto_localpart}|%{rcptto_domain}', 'r\\@x|d.test'],
    ['%{mailfrom_localpart}|%{mailfrom_domain}', 'news|list.test'],
    ['%{message_id} %{batch_id} %{ehlo_string} %{ehlo_domain} %{source_ip}', 'm b client.test client.test 192.0.2.9'],
    ['100% %{vctx_mess:none}', '100% '],
  ])('%j is %j', (text, expected) => {
    const reading = readUserString(text);
    expect('fill' in reading && reading.fill(marked)).toBe(expected);
  });
});
