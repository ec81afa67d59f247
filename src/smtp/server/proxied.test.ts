/** Trusted peers that speak for others: PROXY, XCLIENT and their kin, over sockets. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, inboundValues, openStage, type Setting, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';
import { Networks } from '../../config/networks.js';
import type { InboundValues } from '../../config/snapshot.js';
import { type Clock, systemClock } from '../../kernel/clock.js';
import { reject } from '../../module/verdict.js';
import type { ServerSession } from './reception.js';
import { readContext, readXclient, readXforward, trustedVerbOf } from './told.js';

const stages: Stage[] = [];
afterEach(async () => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
});

const TRUST = ['ENHANCEDSTATUSCODES', 'SIZE', 'XCLIENT', 'XFORWARD', 'XREMOTEIP', 'XSETCONTEXT', 'XDUMPCONTEXT'];

const open = async (options: Partial<InboundValues>, more: Setting = {}): Promise<Stage> => {
  const stage = await openStage({ ...more, options });
  stages.push(stage);
  return stage;
};
const trusted = async (more: Partial<InboundValues> = {}): Promise<[Stage, Client]> => {
  const stage = await open({ smtp_extensions: TRUST, ...more });
  const client = await stage.dial();
  await client.ask('EHLO proxy.test\r\n');
  return [stage, client];
};
const only = (stage: Stage) => {
  const [session] = [...stage.service.list()];
  if (!session) throw new Error('no session');
  return session;
};

describe('bad-inputs 21: who is not trusted', () => {
  it.each([
    'XCLIENT ADDR=192.0.2.1',
    'xforward NAME=a',
    'XREMOTEIP 192.0.2.1',
    'XSETCONTEXT a=b',
    'XDUMPCONTEXT',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 25',
  ])('%s: 550 and the connection is closed', async (line) => {
    const stage = await open({});
    const client = await stage.dial();
    expect(await client.ask('EHLO x\r\n')).not.toMatch(/XCLIENT|XFORWARD|XREMOTEIP|XSETCONTEXT|XDUMPCONTEXT/);
    expect(await client.ask(`${line}\r\n`)).toBe('550 5.7.0 not authorized to speak for another client');
    expect(await client.rest()).toBe('');
    expect(stage.reception.told[0]).toMatch(/^refused 4: 550 5\.7\.0/);
  });

  it('the binary header of PROXY too, in the first octets', async () => {
    const client = await (await open({})).dial();
    client.say('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c');
    expect(await client.hear()).toMatch(/^550 5\.7\.0/);
    expect(await client.rest()).toBe('');
  });

  it('a trusted extension does not bring the others', async () => {
    const client = await (await open({ smtp_extensions: ['XDUMPCONTEXT'] })).dial();
    expect(await client.ask('XDUMPCONTEXT\r\n')).toBe('250 XDUMPCONTEXT complete');
    expect(await client.ask('XCLIENT ADDR=192.0.2.1\r\n')).toMatch(/^550/);
  });
});

describe('XCLIENT', () => {
  it('begins the session anew for the client that is told of', async () => {
    const [stage, client] = await trusted();
    stage.reception.answers.accept = (session) => void stage.reception.told.push(`accept ${session.peer.ip}`);
    expect(await client.ask('EHLO proxy.test\r\n')).toContain('250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT');
    const line =
      'XCLIENT ADDR=IPV6:2001:DB8::7 PORT=4321 NAME=client+2Etest HELO=far.test PROTO=ESMTP LOGIN=tim DESTADDR=192.0.2.99 DESTPORT=2525';
    expect(await client.ask(`${line}\r\n`)).toMatch(/^220 mx\.test ESMTP/);
    const session = only(stage);
    expect(session.peer).toEqual({ ip: '2001:db8::7', port: 4321 });
    expect(session.local).toEqual({ ip: '192.0.2.99', port: 2525 });
    expect([session.helo, session.heloLine, session.protocol, session.user]).toEqual(['far.test', 'EHLO far.test', 'esmtp', 'tim']);
    expect([...session.facts]).toEqual([
      ['auth_user', 'tim'],
      ['can_relay', 'true'],
      ['client_name', 'client.test'],
    ]);
    expect(stage.reception.told.filter((told) => told.startsWith('accept'))).toEqual(['accept 2001:db8::7']);
    expect(await client.ask('EHLO far.test\r\n')).toContain('says EHLO to 2001:db8::7');
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
    expect(await client.ask('XCLIENT ADDR=192.0.2.1\r\n')).toMatch(/^503/);
  });

  it('clears what EHLO said when HELO is not told, and counts the client as the one he is', async () => {
    const [stage, client] = await trusted({ connections_per_client: 2 });
    for (let i = 0; i < 2; i++) {
      const other = await stage.dial();
      expect(await other.ask('XCLIENT ADDR=192.0.2.50\r\n')).toMatch(/^220/);
    }
    expect(await client.ask('XCLIENT ADDR=192.0.2.60\r\n')).toMatch(/^220/);
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
    const late = await stage.dial();
    expect(await late.ask('XCLIENT ADDR=192.0.2.50\r\n')).toMatch(/^421 4\.4\.5 .*concurrency/);
    expect(await late.rest()).toBe('');
    for (const each of [client]) each.close();
  });

  it('asks the hooks and the options about the new client', async () => {
    const [{ reception }, client] = await trusted();
    reception.answers.connect = (session) => (session.peer.ip === '192.0.2.66' ? reject('550 5.7.1 listed') : undefined);
    const values = inboundValues({ smtp_extensions: TRUST });
    const strict = inboundValues({ max_message_size: 77 });
    reception.options = (session?: { peer: { ip: string } }) => (session?.peer.ip === '192.0.2.7' ? strict : values);
    expect(await client.ask('XCLIENT ADDR=192.0.2.7\r\n')).toMatch(/^220/);
    expect(await client.ask('EHLO x\r\n')).toContain('250-SIZE 77');
    // It is trusted still, though the one it speaks for is not.
    expect(await client.ask('XCLIENT ADDR=192.0.2.66\r\n')).toBe('550 5.7.1 listed');
    expect(await client.rest()).toBe('');
  });

  it('an unknown address is nobody, never this machine', async () => {
    const [stage, client] = await trusted();
    expect(await client.ask('XCLIENT ADDR=[UNAVAILABLE] PORT=[TEMPUNAVAIL] NAME=[TEMPUNAVAIL] LOGIN=[UNAVAILABLE]\r\n')).toMatch(/^220/);
    expect(only(stage).peer).toEqual({ ip: '0.0.0.0', port: 0 });
    expect(only(stage).user).toBeUndefined();
  });

  it.each([
    'XCLIENT',
    'XCLIENT FOO=bar',
    'XCLIENT ADDR=nowhere',
    'XCLIENT PORT=99999',
    'XCLIENT ADDR=1.2.3.4 ADDR=1.2.3.4',
    'XCLIENT HELO=<b>',
    'XCLIENT LOGIN=a+00b',
    'XCLIENT PROTO=HTTP',
  ])('%s is 501', async (line) => {
    const [stage, client] = await trusted();
    expect(await client.ask(`${line}\r\n`)).toBe('501 5.5.4 unknown or invalid attribute');
    expect(only(stage).peer.ip).toBe('127.0.0.1');
  });

  it('has to wait for its greeting', async () => {
    const [, client] = await trusted();
    client.say('XCLIENT ADDR=192.0.2.1\r\nEHLO x\r\n');
    expect(await client.hear()).toMatch(/^503 5\.5\.0/);
  });
});

describe('XFORWARD, XREMOTEIP, XSETCONTEXT, XDUMPCONTEXT', () => {
  it('XFORWARD goes with the next message and is forgotten behind it', async () => {
    const [stage, client] = await trusted();
    const line = 'XFORWARD NAME=far.test ADDR=192.0.2.5 PORT=99 PROTO=ESMTP HELO=h IDENT=q1 SOURCE=REMOTE\r\n';
    expect(await client.ask(line)).toBe('250 2.0.0 OK');
    const { facts, peer } = only(stage);
    expect(peer.ip).toBe('127.0.0.1');
    expect(Object.fromEntries([...facts])).toMatchObject({ xforward_addr: '192.0.2.5', xforward_ident: 'q1', xforward_source: 'REMOTE' });
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    expect(await client.ask(line)).toMatch(/^503/);
    await client.ask('RCPT TO:<c@d.test>\r\n');
    await client.ask('DATA\r\n');
    expect(facts.get('xforward_name')).toBe('far.test');
    expect(await client.ask('a: b\r\n\r\n.\r\n')).toMatch(/^250/);
    expect([...facts]).toEqual([]);
    await client.ask(line);
    await client.ask('RSET\r\n');
    expect([...facts]).toEqual([]);
  });

  it('XREMOTEIP changes who the client is at any time, without a new greeting', async () => {
    const [stage, client] = await trusted();
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    expect(await client.ask('XREMOTEIP 192.0.2.77\r\n')).toBe('250 2.0.0 OK');
    expect(only(stage).peer.ip).toBe('192.0.2.77');
    expect(await client.ask('RCPT TO:<c@d.test>\r\n')).toMatch(/^250/);
    expect(await client.ask('XREMOTEIP 192.0.2.777\r\n')).toMatch(/^501/);
  });

  it('XSETCONTEXT sets what XDUMPCONTEXT shows', async () => {
    const [, client] = await trusted();
    expect(await client.ask('XSETCONTEXT color=deep+20blue Zone=in\r\n')).toBe('250 2.0.0 OK');
    expect(await client.ask('XDUMPCONTEXT\r\n')).toBe(
      '250-[connection] color deep blue\r\n250-[connection] Zone in\r\n250 XDUMPCONTEXT complete',
    );
    for (const bad of ['', ' novalue', ' #core=1', ' a=+0Ab', ' =b'])
      expect(await client.ask(`XSETCONTEXT${bad}\r\n`), bad).toMatch(/^501/);
    for (let i = 0; i < 9; i++) client.say(`XSETCONTEXT ${Array.from({ length: 60 }, (_, j) => `k${i}.${j}=v`).join(' ')}\r\n`);
    for (let i = 0; i < 8; i++) expect(await client.hear()).toMatch(/^250/);
    expect(await client.hear()).toMatch(/^452 4\.3\.1/);
  });
});

describe('the pathway', () => {
  it('is that of a hook or a trusted peer, with its group, and drain ends the sessions of one socket', async () => {
    const [stage, client] = await trusted();
    const { reception, service } = stage;
    const ways = new Map([['inside', inboundValues({ banner_hostname: 'inside.test', smtp_extensions: TRUST })]]);
    const values = inboundValues({ smtp_extensions: TRUST });
    reception.options = (session?: ServerSession) => ways.get(session?.facts.get('pathway') ?? '') ?? values;
    Object.assign(reception, { pathwayOf: ({ facts }: ServerSession) => ({ pathway: facts.get('pathway'), group: 'pg' }) });
    expect(await client.ask('XSETCONTEXT pathway=inside\r\n')).toMatch(/^250/);
    expect(only(stage)).toMatchObject({ pathway: 'inside', pathwayGroup: 'pg' });
    reception.answers.connect = ({ facts }) => facts.set('pathway', 'inside');
    const chosen = await stage.dial(true);
    expect(await chosen.hear()).toMatch(/^220 mx\.test/);
    expect(await chosen.ask('EHLO x\r\n')).toContain('inside.test says');
    expect([service.drain('esmtp_listener', 'other'), service.drain('esmtp_listener', 'test')]).toEqual([0, 2]);
    expect(await client.hear()).toMatch(/^421 4\.3\.2/);
  });
});

describe('PROXY', () => {
  it.each([
    ['v1', 'PROXY TCP4 192.0.2.9 198.51.100.1 1234 25\r\n'],
    ['v2', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\xc6\x33\x64\x01\x04\xd2\0\x19'],
  ] as const)('%s: nothing is said before the header, and all goes by what it tells', async (version, header) => {
    const stage = await open({ proxy_protocol: version });
    stage.reception.answers.accept = (session) => void stage.reception.told.push(`accept ${session.peer.ip} at ${session.local.ip}`);
    const client = await stage.dial(true);
    client.say(header.slice(0, 7));
    await new Promise((done) => setTimeout(done, 30));
    expect([client.unread, stage.reception.told]).toEqual(['', []]);
    client.say(header.slice(7));
    expect(await client.hear()).toMatch(/^220/);
    expect(stage.reception.told).toEqual(['accept 192.0.2.9 at 198.51.100.1']);
    expect(only(stage).peer).toEqual({ ip: '192.0.2.9', port: 1234 });
    expect(await client.ask('EHLO x\r\n')).toContain('to 192.0.2.9');
  });

  it('what comes in the same packet is not lost', async () => {
    const client = await (await open({ proxy_protocol: 'true' })).dial(true);
    client.say('PROXY UNKNOWN\r\nEHLO x\r\n');
    expect(await client.hear()).toMatch(/^220/);
    expect(await client.hear()).toContain('says EHLO to 127.0.0.1');
  });

  it('who speaks right behind it spoke before the banner (bad-inputs 15)', async () => {
    const stage = await open({ proxy_protocol: 'true' });
    const spoke: boolean[] = [];
    stage.reception.answers.connect = async (session) => void spoke.push(await session.early(0.05, AbortSignal.timeout(5000)));
    const patient = await stage.dial(true);
    expect(await patient.ask('PROXY UNKNOWN\r\n')).toMatch(/^220/);
    const hasty = await stage.dial(true);
    expect(await hasty.ask('PROXY UNKNOWN\r\nEHLO x\r\n')).toMatch(/^220/);
    expect(spoke).toEqual([false, true]);
  });

  it.each(['EHLO x\r\n', `PROXY UNKNOWN ${'x'.repeat(200)}`, '\r\n\r\n\0\r\nQUIT\n\x21\x11\x20\0'])(
    'bad-inputs 21: %j is closed without a word',
    async (octets) => {
      const stage = await open({ proxy_protocol: 'true' });
      const client = await stage.dial(true);
      client.say(octets);
      expect(await client.rest()).toBe('');
      expect(stage.reception.told[0]).toMatch(/^event bad_proxy_header/);
    },
  );

  it('bad-inputs 21: a header that does not come in time is not waited for', async () => {
    const fast: Clock = {
      now: systemClock.now,
      mono: () => systemClock.mono() * 20,
      after: (ms, task) => systemClock.after(ms / 20, task),
    };
    const stage = await open({ proxy_protocol: 'true' }, { clock: fast });
    const client = await stage.dial(true);
    client.say('PROXY ');
    expect(await client.rest()).toBe('');
    expect(stage.reception.told[0]).toBe('event timed_out: waiting for the PROXY header');
  });

  it('counts the connections of who is told of, not of the proxy', async () => {
    const stage = await open({ proxy_protocol: 'true', connections_per_client: 1, relay_hosts: new Networks([]) });
    const from = async (ip: string) => {
      const client = await stage.dial(true);
      return client.ask(`PROXY TCP4 ${ip} 198.51.100.1 1 25\r\n`);
    };
    expect(await from('192.0.2.1')).toMatch(/^220/);
    expect(await from('192.0.2.2')).toMatch(/^220/);
    expect(await from('192.0.2.1')).toMatch(/^421/);
  });
});

describe('what is told', () => {
  it('is read whole or not at all', () => {
    expect(trustedVerbOf('xclient ADDR=x')).toBe('XCLIENT');
    expect(trustedVerbOf('XCLIENTS')).toBeUndefined();
    expect(readXclient('XCLIENT NAME=')).toEqual(new Map([['NAME', null]]));
    expect(readXforward('XFORWARD DESTADDR=1.2.3.4')).toBeUndefined();
    expect(readContext('XSETCONTEXT a==')).toBeUndefined();
    expect(readContext('XSETCONTEXT a=+3D')).toEqual(new Map([['a', '=']]));
  });
});
