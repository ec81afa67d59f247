/** conntrol from its stanza to what a session becomes. */
import { describe, expect, it } from 'vitest';
import { configureText } from '../../src/config/configure.js';
import { reply } from '../../src/mail/reply.js';
import { makeSession, rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import conntrol from './index.js';

const configureIt = (options: string) => configureText(`conntrol "door" { ${options} }`, { manifests: [conntrol] });

async function start(options: string) {
  const configured = await configureIt(options);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse();
  rehearsal.registry.commit(await rehearsal.registry.prepare(makePlans(configured.snapshot, [conntrol])));
  const { chains } = rehearsal.registry.current.hooks;
  const connect = async (speaks: boolean) => {
    const waits: number[] = [];
    const session = makeSession({
      banner: 'mx.test ESMTP',
      early: async (seconds) => {
        waits.push(seconds);
        return speaks;
      },
    });
    return { session, waits, verdict: await chains.connect.run(session) };
  };
  return { ...rehearsal, chains, connect };
}

describe('conntrol', () => {
  it('waits, and lets the patient go on', async () => {
    const { connect } = await start('pause_time = 2');
    const { waits, verdict, session } = await connect(false);
    expect([waits, verdict, session.facts.get('early_talker')]).toEqual([[2], undefined, undefined]);
  });

  it('marks who talks first, and sends it away where it should', async () => {
    const marks = await start('pause_time = 1.5');
    const marked = await marks.connect(true);
    expect(marked.verdict).toBeUndefined();
    expect(marked.session.facts.get('early_talker')).toBe('yes');
    expect(marks.counts.get('conntrol_early_talkers')).toBe(1);
    const { connect } = await start('pause_time = 1  disconnect_ratware = "421 4.7.0 my.host no\\r\\n"');
    expect((await connect(true)).verdict).toMatchObject({ do: 'disconnect', reply: { code: 421, status: '4.7.0', text: 'my.host no' } });
  });

  it('puts its lines before the banner', async () => {
    const { connect } = await start('banner = "220-Welcome\\r\\n220-and be gone\\r\\n"');
    const { session, waits } = await connect(true);
    expect(session.banner).toBe('Welcome\nand be gone\nmx.test ESMTP');
    expect(waits).toEqual([]);
  });

  it('leaves alone whom the configuration says', async () => {
    const { chains } = await start('pause_time = 2  banner = "220-x"');
    const session = makeSession({ banner: 'b', early: () => Promise.reject(new Error('asked')) });
    session.facts.set('conntrol_skip', 'true');
    expect(await chains.connect.run(session)).toBeUndefined();
    expect(session.banner).toBe('b');
  });

  it('counts what is no command apart from what is wrong in one', async () => {
    const { chains } = await start('');
    const session = makeSession();
    const say = (verb: string, line: string, code: number, status: string) =>
      chains.command.run(session, verb, line, reply(code, status, 'x'));
    say('', 'FOO', 500, '5.5.2');
    say('MAIL', 'MAIL bad', 501, '5.5.2');
    say('RCPT', 'RCPT TO:<a@b> X=1', 555, '5.5.4');
    say('HELO', 'HELO a', 250, '');
    say('MAIL', 'MAIL FROM:<a@b>', 550, '5.7.1');
    expect([session.facts.get('conntrol_unrecognized_commands'), session.facts.get('conntrol_bad_commands')]).toEqual(['1', '2']);
  });

  it.each(['banner = "250-hello"', 'disconnect_ratware = "250 fine"', 'pause_time = -1', 'pause_time = 31'])(
    'check refuses %s',
    async (line) => {
      expect((await configureIt(line)).ok).toBe(false);
    },
  );

  it('check says that nobody is waited for', async () => {
    const configured = await configureIt('disconnect_ratware = "421 no"');
    expect(configured.ok && configured.problems).toMatchObject([{ severity: 'notice', say: expect.stringContaining('pause_time') }]);
  });
});
