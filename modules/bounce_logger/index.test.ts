/** What the options of bounce_logger do. */
import { describe, expect, it } from 'vitest';
import { Address, type Attempt, type Bounce, bodyOf, Copy, type LineWriter, Writers } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import bounceLogger from './index.js';

class MemoryWriter implements LineWriter {
  readonly lines: string[] = [];
  reopened = 0;
  dropped = 3;
  line(text: string): void {
    this.lines.push(text);
  }
  async reopen(): Promise<void> {
    this.reopened++;
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}

const reception = {
  batchId: 'b',
  connectionId: 'c',
  protocol: 'esmtp' as const,
  receivedAt: 1_800_000_000_250,
  sender: new Address('news', 'list.test'),
  facts: new Facts(),
  smtpUtf8: false,
};
const mail = new Copy('m', reception, [new Address('r', 'd.test')], new Headers(Buffer.from('a: b\r\n\r\n')), bodyOf([]), new Facts());
const attempt: Attempt = {
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
  reply: '451 later',
};
const bounce: Bounce = { ...attempt, recipient: mail.recipient, sender: mail.sender, ip: '', stage: 4, bounceClass: 10, reply: '550 no' };

async function open(text: string) {
  const opens: { uri: string; permissions: number }[] = [];
  const writer = new MemoryWriter();
  const writers = {
    open: (uri: string, how: { readonly permissions: number }): LineWriter => {
      opens.push({ uri, permissions: how.permissions });
      return writer;
    },
  };
  const configured = await configureText(text, { manifests: [bounceLogger], unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const rehearsal = rehearse({ outbound: (where) => snapshot.at(where), service: (token) => (token === Writers ? writers : undefined) });
  rehearsal.registry.commit(await rehearsal.registry.prepare(makePlans(snapshot, [bounceLogger])));
  const { chains } = rehearsal.registry.current.hooks;
  const everything = (): string => {
    chains.deferred.run(attempt);
    chains.bounced.run(bounce);
    chains.bounced.run({ ...bounce, stage: 21 });
    return writer.lines.map((line) => line.split('@')[4] + (line.split('@')[11] === '21' ? 'o' : '')).join(' ');
  };
  return { ...rehearsal, opens, writer, everything, chains };
}

describe('bounce_logger', () => {
  it('writes all kinds of lines to the documented file', async () => {
    const { everything, opens } = await open('bounce_logger { }');
    expect(opens).toEqual([{ uri: '/var/log/ecelerity/bouncelog.ec', permissions: 0o644 }]);
    expect(everything()).toBe('T B Bo');
  });

  it.each([
    ['log_transient_failures', 'B Bo'],
    ['log_inband_bounces', 'T Bo'],
    ['log_outofband_bounces', 'T B'],
  ])('leaves out what %s = false names', async (option, kinds) => {
    const { everything } = await open(`bounce_logger "b" {\nbouncelog = "f"\n${option} = false\n}`);
    expect(everything()).toBe(kinds);
  });

  it('bounce_pattern leaves T lines of other senders out', async () => {
    const { everything } = await open('bounce_pattern = "/^other@/"\nbounce_logger "b" { bouncelog = "f" }');
    expect(everything()).toBe('B Bo');
    const fitting = await open('bounce_pattern = "/^news@/"\nbounce_logger "b" { bouncelog = "f" }');
    expect(fitting.everything()).toBe('T B Bo');
  });

  it('takes permissions, a heartbeat of its own, microseconds', async () => {
    const { clock, writer, opens, chains } = await open(
      'log_hires_timestamp = true\nbounce_logger "b" {\nbouncelog = "f"\nbouncelog_mode = 0600\nheartbeat = 10\n}',
    );
    expect(opens).toEqual([{ uri: 'f', permissions: 0o600 }]);
    chains.bounced.run(bounce);
    expect(writer.lines[0]?.split('@')[0]).toBe('1800000001500000');
    await clock.advance(25_000);
    expect(writer.lines.filter((line) => line.endsWith('@@@@M1'))).toHaveLength(2);
  });

  it('reopens on the hook and on the console, and tells what was dropped', async () => {
    const { registry, writer, chains } = await open('bounce_logger "b" { bouncelog = "f" }');
    chains.log_reopen.run();
    const run = (name: string) => registry.current.commands.get(`bounce_logger:b ${name}`)?.command.run([], new AbortController().signal);
    expect(await run('reopen logs')).toBe('Logs reopened.');
    expect(writer.reopened).toBe(2);
    expect(await run('internal stats')).toEqual([{ log: 'f', dropped: 3 }]);
  });
});
