/** Times of receptions by a clock that is turned by hand. */
import { describe, expect, it } from 'vitest';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { reply } from '../../src/mail/reply.js';
import { bodyOf, Copy } from '../../src/module/copy.js';
import { makeSession, planOf, rehearse } from '../../src/module/fixture.js';
import { formatTiming } from '../reception_timing_logger/line.js';
import { receptionTimed, type Timing } from './api.js';
import timing from './index.js';

const sender = null;
const draftOf = (id: string): Copy =>
  new Copy(
    id,
    {
      batchId: `batch-${id}`,
      connectionId: 'c',
      protocol: 'esmtp',
      receivedAt: 0,
      sender: null,
      facts: new Facts(),
      smtpUtf8: false,
    },
    [],
    new Headers(Buffer.from('Subject: x\r\n\r\n')),
    bodyOf([Buffer.from('0123456789')]),
    new Facts(),
  );

async function start() {
  const rehearsal = rehearse();
  const told: Timing[] = [];
  const policy = planOf({
    name: 'policy',
    register(ctx) {
      ctx.on('data', async (_session, _draft, run) => {
        await ctx.sleep(1000, run.signal);
        return undefined;
      });
      ctx.on(receptionTimed, (one) => void told.push(one));
    },
  });
  rehearsal.registry.commit(await rehearsal.registry.prepare([policy, planOf(timing)]));
  const { chains } = rehearsal.registry.current.hooks;
  const state = { phase: 4 };
  const session = makeSession();
  Object.defineProperty(session, 'phase', { get: () => state.phase });
  const scan = async (draft: Copy) => {
    const done = chains.data.run(session, draft);
    await rehearsal.clock.advance(1000);
    await done;
  };
  const command = (verb: string, code: number) => chains.command.run(session, verb, verb, reply(code, '', 'x'));
  return { ...rehearsal, chains, told, session, state, scan, command };
}

describe('reception_timing', () => {
  it('counts from MAIL and from the final dot, before any other policy', async () => {
    const { chains, told, session, clock, scan, command } = await start();
    const draft = draftOf('1');
    chains.mail_from.run(session, sender, draft);
    await clock.advance(500);
    await scan(draft);
    draft.facts.set('cl_MID', '<x"y>');
    await clock.advance(20);
    chains.received.run(draft, session);
    expect(told).toMatchObject([{ how: 'received', totalMs: 1520, scannedMs: 1020, id: '1', batchId: 'batch-1', size: 24 }]);
    expect(told.map(formatTiming)).toEqual([
      'received after 1.520000 s (scanned in 1.020000 s) size=24 src=192.0.2.10:41000 dst=192.0.2.1:25 pathway= ID=1 batch-ID=batch-1 Message-ID="<x\\"y>"',
    ]);
    command('.', 250);
    chains.disconnected.run(session);
    expect(told).toHaveLength(1);
  });

  it('tells no disconnect when the client left while its mail was taken', async () => {
    const { chains, told, session, scan } = await start();
    const draft = draftOf('1');
    chains.mail_from.run(session, sender, draft);
    await scan(draft);
    chains.received.run(draft, session);
    chains.disconnected.run(session);
    expect(told.map(({ how }) => how)).toEqual(['received']);
  });

  it('begins anew with RSET, and does not blame the client for a mistake that was answered', async () => {
    const { chains, told, session, clock, state, command } = await start();
    chains.mail_from.run(session, sender, draftOf('1'));
    await clock.advance(5000);
    command('RSET', 250);
    chains.mail_from.run(session, sender, draftOf('2'));
    state.phase = 6;
    await clock.advance(10);
    chains.rejected.run({ session, phase: 6, module: '', reply: reply(500, '5.5.2', 'x'), at: 0 });
    command('', 500);
    command('MAIL', 503);
    chains.disconnected.run(session);
    expect(told).toMatchObject([{ how: 'disconnected', totalMs: 10, phase: 6, id: '2', size: undefined }]);
  });

  it('names the state that a refusal answers, and counts who is sent away as refused', async () => {
    const { chains, told, session, state, command } = await start();
    const refuse = (phase: number) => chains.rejected.run({ session, phase, module: 'm', reply: reply(550, '5.7.1', 'x'), at: 0 });
    const draft = draftOf('1');
    chains.mail_from.run(session, sender, draft);
    refuse(5);
    command('MAIL', 550);
    chains.mail_from.run(session, sender, draft);
    state.phase = 6;
    refuse(7);
    command('RCPT', 550);
    refuse(13);
    command('RCPT', 550);
    refuse(6);
    chains.disconnected.run(session);
    expect(told.map(({ how, phase }) => [how, phase])).toEqual([
      ['rejected', 4],
      ['rejected', 6],
      ['rejected', 13],
      ['rejected', 6],
    ]);
  });

  it('takes no time of mail that no client brought', async () => {
    const { chains, told, faults } = await start();
    chains.received.run(draftOf('1'), null);
    expect([told, faults]).toEqual([[], []]);
  });
});
