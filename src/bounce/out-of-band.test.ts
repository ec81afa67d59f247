/** Mail for bounce_domains: what is told, what is dropped, and what is left alone. */
import { describe, expect, it } from 'vitest';
import { configureText } from '../config/configure.js';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { bodyOf, Copy } from '../module/copy.js';
import { makeSession, planOf, rehearse } from '../module/fixture.js';
import type { Bounce } from '../module/reports.js';
import { Classifier } from './classifier.js';
import { CLASS } from './classify.js';
import { watchNotices } from './out-of-band.js';
import { loadShippedPack } from './shipped.js';

const status = (...blocks: string[]): string =>
  [
    'From: MAILER-DAEMON@mx.test\r\nContent-Type: multipart/report; boundary=b\r\n\r\n',
    '--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n',
    ...blocks.map((block) => `${block}\r\n\r\n`),
    '--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <one@ours.test>\r\n\r\n--b--\r\n',
  ].join('');
const failed = (to: string, code = '550 5.1.1 no such user'): string =>
  `Final-Recipient: rfc822; ${to}\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; ${code}`;
const letter = (subject: string, body: string, more = ''): string =>
  `From: bob@example.net\r\nSubject: ${subject}\r\n${more}\r\n${body}\r\n`;

async function open(config = '', ask: (text: string) => number | undefined | Promise<number> = () => undefined) {
  const configured = await configureText(`bounce_domains = ( "ours.test" )\n${config}`, { unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const { registry, faults, said } = rehearse({ outbound: (where) => snapshot.at(where) });
  const told: Bounce[] = [];
  const classifier = new Classifier(loadShippedPack());
  const watching = planOf({
    name: 'notices',
    register: (ctx) => watchNotices(ctx, { classifier, ask, drops: config.includes('behavior') }),
  });
  const listening = planOf({ name: 'l', register: (ctx) => ctx.on('bounced', (bounce) => void told.push(bounce)) });
  registry.commit(await registry.prepare([watching, listening]));
  const { chains } = registry.current.hooks;
  const session = makeSession({
    options: snapshot.inbound({ listener: 'esmtp_listener', peerIp: '192.0.2.1' }),
  });

  /** The way of a message: data, each copy at spool, those that are kept at received. Answers the addresses that were dropped. */
  const receive = async (message: string, ...to: string[]): Promise<string[]> => {
    const end = message.indexOf('\r\n\r\n') + 4;
    const reception = {
      batchId: 'b',
      connectionId: 'c',
      protocol: 'esmtp' as const,
      receivedAt: 0,
      sender: null,
      facts: new Facts(),
      smtpUtf8: false,
    };
    const recipients = to.map((text) => new Address(...(text.split('@') as [string, string])));
    const make = (list: Address[]) =>
      new Copy(
        'M',
        reception,
        list,
        new Headers(Buffer.from(message.slice(0, end))),
        bodyOf([Buffer.from(message.slice(end))]),
        new Facts(),
      );
    await chains.data.run(session, make(recipients));
    const dropped: string[] = [];
    for (const recipient of recipients) {
      const copy = make([recipient]);
      const verdict = await chains.spool.run(copy);
      if (verdict && verdict.do === 'discard') dropped.push(String(recipient));
      else chains.received.run(copy, session);
    }
    expect(faults).toEqual([]);
    return dropped;
  };
  const brief = (): string[] =>
    told.map(({ recipient, sender, bounceClass, stage, reply }) => `${recipient} ${sender} ${bounceClass} ${stage} ${reply}`);
  return { receive, told, brief, classifier, said };
}

describe('a notice that comes in', () => {
  it('is told once it is durable, with stage 21, the original recipient and the class of its reply', async () => {
    const { receive, brief, told } = await open();
    await receive(status(failed('bob@example.net'), failed('eve@example.net', '552 5.2.2 over quota')), 'bounces@ours.test');
    expect(brief()).toEqual([
      'bob@example.net bounces@ours.test 10 21 550 5.1.1 no such user',
      'eve@example.net bounces@ours.test 22 21 552 5.2.2 over quota',
    ]);
    expect(told[0]).toMatchObject({ originalId: '<one@ours.test>', ip: '192.0.2.10', place: { group: 'default', binding: 'default' } });
  });

  it('for other domains is none of ours', async () => {
    const { receive, told } = await open();
    await receive(status(failed('bob@example.net')), 'bounces@other.test');
    expect(told).toEqual([]);
  });

  it('counts only for addresses that bounce_pattern matches', async () => {
    const { receive, brief } = await open('bounce_pattern = "/^bounce/"');
    await receive(status(failed('bob@example.net')), 'info@ours.test', 'bounces@ours.test');
    expect(brief()).toEqual(['bob@example.net bounces@ours.test 10 21 550 5.1.1 no such user']);
  });

  it('never names an address of bounce_suppress_list, nor the one it came to', async () => {
    const { receive, brief } = await open('bounce_suppress_list = ( "Bob@example.net" "@inner.test" )');
    await receive(status(failed('bob@example.net')), 'bounces@ours.test');
    await receive(status(failed('x@inner.test')), 'bounces@ours.test');
    await receive(status(failed('bounces@ours.test')), 'bounces@ours.test');
    expect(brief().map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual(Array(3).fill('undefined bounces@ours.test 30'));
  });

  it('that names nobody is about the recipient in its return path', async () => {
    const { receive, brief } = await open();
    await receive(letter('failure notice', '550 5.1.1 unknown user'), 'bounces+bob=example.net@ours.test');
    expect(brief()).toEqual(['bob@example.net bounces+bob=example.net@ours.test 10 21 550 5.1.1 unknown user']);
  });

  it('about a delay is transient, about a success nothing', async () => {
    const { receive, brief } = await open();
    await receive(
      status(failed('a@x.test').replace('failed', 'delayed'), failed('b@x.test').replace('failed', 'delivered')),
      'bounces@ours.test',
    );
    expect(brief().map((line) => line.split(' ')[2])).toEqual(['70']);
  });

  it('is classed by the hook before the rules', async () => {
    const { receive, brief } = await open('', (text) => (text.includes('no such user') ? 77 : undefined));
    await receive(status(failed('a@x.test')), 'bounces@ours.test');
    expect(brief()[0]).toContain(' 77 21 ');
  });

  it('that cannot be read is let through, and the operator hears of it', async () => {
    const { receive, told, said } = await open('', () => Promise.reject(new Error('hook is broken')));
    expect(await receive(status(failed('a@x.test')), 'bounces@ours.test')).toEqual([]);
    expect(told).toEqual([]);
    expect(said.map(({ text }) => text).join()).toContain('could not be read: Error: hook is broken');
  });

  it('that nobody understands is counted', async () => {
    const { receive, brief, classifier } = await open();
    await receive(status(failed('a@x.test', '550 hmm')), 'bounces@ours.test');
    expect(brief()[0]).toContain(' 1 21 550 hmm');
    expect(classifier.unknowns.list()).toMatchObject([{ masked: '550 hmm', count: 1 }]);
  });
});

describe('a letter to a bounce address', () => {
  it.each<[string, string, number]>([
    ['an automatic answer', letter('Automatic reply: hello', 'I am away.'), CLASS.autoReply],
    ['one that only says so in its header', letter('Kuckuck', 'nada', 'Auto-Submitted: auto-replied\r\n'), CLASS.autoReply],
    ['one who wants to leave', letter('unsubscribe', 'please'), CLASS.unsubscribe],
    ['one who wants to join', letter('subscribe', ''), CLASS.subscribe],
    ['a challenge', letter('Your message requires verification', 'Click here'), CLASS.challengeResponse],
    ['one whose words are broken', letter('Hello', 'I am out of\r\nthe office.'), CLASS.autoReply],
    ['anything else', letter('Re: offer', 'Yes please'), CLASS.undetermined],
  ])('%s', async (_what, message, expected) => {
    const { receive, told } = await open();
    await receive(message, 'bounces+bob=example.net@ours.test');
    expect(told.map(({ bounceClass, recipient }) => [bounceClass, String(recipient)])).toEqual([[expected, 'bob@example.net']]);
  });
});

describe('bounce_behavior', () => {
  it('blackhole drops the notice once it was told; other recipients keep theirs', async () => {
    const { receive, told } = await open('bounce_behavior = "blackhole"');
    const dropped = await receive(status(failed('bob@example.net')), 'bounces@ours.test', 'info@other.test');
    expect(dropped).toEqual(['bounces@ours.test']);
    expect(told).toHaveLength(1);
  });

  it('may differ from domain to domain', async () => {
    const { receive, told } = await open('bounce_behavior = "blackhole"\ndomain "ours.test" { bounce_behavior = "pass" }');
    expect(await receive(status(failed('bob@example.net')), 'bounces@ours.test')).toEqual([]);
    expect(told).toHaveLength(1);
  });
});
