/** What must happen with bad input and attacks, by the number of the checklist that names the case. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, openData, openStage, type Setting, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';
import { core } from '../../config/core/index.js';
import { type Clock, systemClock } from '../../kernel/clock.js';

const stages: Stage[] = [];
const open = async (setting?: Setting): Promise<[Stage, Client]> => {
  const stage = await openStage(setting);
  stages.push(stage);
  return [stage, await stage.dial()];
};
const hello = async (setting?: Setting): Promise<[Stage, Client]> => {
  const both = await open(setting);
  await both[1].ask('EHLO client.test\r\n');
  return both;
};
afterEach(async () => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
});

/** The machine's clock, but so much faster, so that minutes pass in a test. */
const hurry = (times: number): Clock => ({
  now: () => systemClock.now(),
  mono: () => systemClock.mono() * times,
  after: (ms, task) => systemClock.after(ms / times, task),
});

const NINE_FORMS = ['\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r\n.\r', '\r.\r\n', '\n.\r', '\r.\n', '\r\r\n.\r\r\n'];

describe('bad-inputs 1: only CRLF.CRLF ends a message', () => {
  it.each(NINE_FORMS)('%j is no end; the message is refused after the real one and the connection closed', async (form) => {
    const [{ reception }, client] = await open();
    await openData(client);
    const smuggled = `MAIL FROM:<evil@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n`;
    client.say(`Subject: x\r\n\r\nbody${form}${smuggled}x\r\n.\r\n`);
    expect(await client.hear()).toBe('550 5.6.0 Lone CR or LF in body');
    expect(await client.rest()).toBe('');
    expect(reception.kept).toHaveLength(0);
    expect(reception.told).toContain('refused 10: 550 5.6.0 Lone CR or LF in body');
  });

  it.each(NINE_FORMS)('%j in the header block is refused too', async (form) => {
    const [{ reception }, client] = await open();
    await openData(client);
    client.say(`Subject: x${form}To: y\r\n\r\nbody\r\n.\r\n`);
    expect(await client.hear()).toBe('550 5.6.0 Lone CR or LF in headers');
    expect(reception.kept).toHaveLength(0);
  });

  it('repairs when told to, and stuffs what then begins with a dot', async () => {
    const [{ reception }, client] = await open({ options: { rfc2822_lone_lf_in_body: 'fix', rfc2822_lone_lf_in_headers: 'fix' } });
    await openData(client);
    expect(await client.ask('Subject: x\nTo: y\n\nbody\n.\nmore\rend\r\n.\r\n')).toBe('250 2.0.0 OK kept');
    expect(reception.kept[0]).toMatchObject({ header: 'Subject: x\r\nTo: y\r\n\r\n', body: 'body\r\n.\r\nmore\r\nend\r\n', dots: true });
    expect(reception.kept[0]?.facts.repaired).toBe(true);
  });

  it('takes a body as it is when told to ignore', async () => {
    const [{ reception }, client] = await open({ options: { rfc2822_lone_lf_in_body: 'ignore' } });
    await openData(client);
    expect(await client.ask('Subject: x\r\n\r\na\nb\r\n.\r\n')).toBe('250 2.0.0 OK kept');
    expect(reception.kept[0]?.body).toBe('a\nb\r\n');
  });
});

describe('bad-inputs 2: bare LF in commands', () => {
  it('is an error and nothing of the line is done', async () => {
    const [{ reception }, client] = await hello();
    expect(await client.ask('MAIL FROM:<a@b.test>\n')).toBe('500 5.5.2 command line must end with CR LF');
    expect(await client.ask('RCPT TO:<a@b.test>\r\n')).toBe('503 RCPT TO without MAIL FROM');
    expect(await client.ask('NOOP\rRSET\r\n')).toMatch(/^501 /);
    expect(reception.told.filter((line) => line.startsWith('refused'))).toHaveLength(3);
  });
});

describe('bad-inputs 3: long command lines', () => {
  it('gets 500 above max_command_bytes, and goes on behind it', async () => {
    const [, client] = await hello();
    expect(await client.ask(`NOOP ${'x'.repeat(2043)}\r\n`)).toMatch(/^250 /);
    expect(await client.ask(`NOOP ${'x'.repeat(2044)}\r\n`)).toBe('500 5.5.2 command line too long');
    client.say(`MAIL FROM:<${'x'.repeat(5000)}`);
    await new Promise((done) => setTimeout(done, 20));
    client.say(`${'x'.repeat(5000)}@b.test>\r\n`);
    expect(await client.hear()).toBe('500 5.5.2 command line too long');
    expect(await client.ask('NOOP\r\n')).toMatch(/^250 /);
  });

  it('closes with 421 when 64 KiB bring no line end', async () => {
    const [{ reception }, client] = await hello();
    client.say('x'.repeat(70_000));
    expect(await client.hear()).toMatch(/^421 4\.7\.0 /);
    expect(await client.rest()).toBe('');
    expect(reception.told).toContain('event overrun: more input than may be held');
  });
});

describe('bad-inputs 4: NUL and control characters in a command', () => {
  it.each(['MAIL FROM:<a\0@b.test>\r\n', 'NO\x01OP\r\n', 'MAIL FROM:<a@b.test>\t\r\n', 'EHLO x\x1b[2J\r\n'])('%j is 501', async (line) => {
    const [{ reception }, client] = await hello();
    expect(await client.ask(line)).toBe('501 5.5.2 control character in command');
    expect(reception.commands.at(-1)?.endsWith('|501')).toBe(true);
  });
});

describe('bad-inputs 5: octets above 0x7f in the envelope', () => {
  it('are refused when they are no UTF-8, and without SMTPUTF8', async () => {
    const [, client] = await hello();
    expect(await client.ask('MAIL FROM:<\xff\xfe@b.test> SMTPUTF8\r\n')).toMatch(/^501 5\.1\.7 /);
    expect(await client.ask(Buffer.from('MAIL FROM:<ü@b.test>\r\n'))).toMatch(/^553 5\.6\.7 /);
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    expect(await client.ask('RCPT TO:<\xc3\x28@b.test>\r\n')).toMatch(/^501 5\.1\.3 /);
    expect(await client.ask(Buffer.from('RCPT TO:<ü@b.test>\r\n'))).toMatch(/^553 5\.6\.7 /);
  });
});

describe('bad-inputs 6: parameters that were not offered', () => {
  it.each(['MAIL FROM:<a@b.test> FOO=1', 'MAIL FROM:<a@b.test> AUTH=<>', 'MAIL FROM:<a@b.test> HOLDFOR=1'])('%s is 555', async (line) => {
    const [, client] = await hello();
    expect(await client.ask(`${line}\r\n`)).toBe('555 5.5.4 unsupported parameter');
  });

  it('also for RCPT; malformed and repeated ones are 501', async () => {
    const [, client] = await hello();
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=1 SIZE=2\r\n')).toBe('501 5.5.4 repeated parameter');
    expect(await client.ask('MAIL FROM:<a@b.test> RET=ALL\r\n')).toBe('501 5.5.4 invalid parameter');
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    expect(await client.ask('RCPT TO:<c@d.test> SIZE=1\r\n')).toBe('555 5.5.4 unsupported parameter');
    expect(await client.ask('RCPT TO:<c@d.test> NOTIFY=NEVER,FAILURE\r\n')).toBe('501 5.5.4 invalid parameter');
  });
});

describe('bad-inputs 7: SIZE', () => {
  it('is 501 when it is no number, 552 above the limit', async () => {
    const [, client] = await hello({ options: { max_message_size: 1000 } });
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=10x\r\n')).toMatch(/^501 5\.5\.4/);
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=1001\r\n')).toBe('552 5.3.4 message size limit exceeded');
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=1000\r\n')).toMatch(/^250/);
  });
});

describe('bad-inputs 8: too large while it comes', () => {
  it('is read to its end, kept nowhere, and refused; the session goes on', async () => {
    const [{ reception }, client] = await open({ options: { max_message_size: 10_000 } });
    await openData(client);
    client.say('a: b\r\n\r\n');
    for (let i = 0; i < 15; i++) client.say(`${'x'.repeat(900)}\r\n`);
    expect(await client.ask('.\r\n')).toBe('552 5.3.4 message size limit exceeded');
    expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
    expect(reception.kept).toHaveLength(0);
  });

  it('closes above twice the limit', async () => {
    const [, client] = await open({ options: { max_message_size: 10_000 } });
    await openData(client);
    client.say('a: b\r\n\r\n');
    for (let i = 0; i < 30; i++) client.say(`${'x'.repeat(900)}\r\n`);
    expect(await client.hear()).toBe('552 5.3.4 message size limit exceeded');
    expect(await client.rest()).toBe('');
  });
});

describe('bad-inputs 9: sequence', () => {
  it('has its own reply for each case', async () => {
    const [, client] = await hello();
    expect(await client.ask('RCPT TO:<c@d.test>\r\n')).toBe('503 RCPT TO without MAIL FROM');
    expect(await client.ask('DATA\r\n')).toBe('503 5.5.1 DATA without MAIL FROM');
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    expect(await client.ask('DATA\r\n')).toBe('503 5.5.1 DATA without RCPT TO');
    expect(await client.ask('MAIL FROM:<x@b.test>\r\n')).toBe('501 5.5.1 MAIL FROM already established');
    expect(await client.ask('DATA now\r\n')).toBe('501 5.5.4 unexpected argument to DATA');
    expect(await client.ask('RSET now\r\n')).toBe('501 5.5.4 invalid arguments to RSET');
    expect(await client.ask('MAIL FROM a@b.test\r\n')).toBe('501 5.5.1 MAIL FROM already established');
    expect(await client.ask('FOO\r\n')).toBe('500 5.5.2 unrecognized command');
  });

  it.each([
    'MAIL FROM:a@b.test',
    'MAIL FROM: <a@b.test>',
    'MAIL FROM:<a@b.test> ',
    'MAIL FROM:<a..b@c.test>',
    'MAIL FROM:<a>',
    'MAIL <a@b.test>',
  ])('%j is a syntax error', async (line) => {
    const [, client] = await hello();
    expect(await client.ask(`${line}\r\n`)).toBe('501 5.5.2 MAIL FROM syntax error');
  });
});

describe('bad-inputs 10: MAIL before EHLO', () => {
  it('is refused by default and allowed by require_ehlo = false', async () => {
    const [, client] = await open();
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
    expect(await client.ask('DATA\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
    const [, other] = await open({ options: { require_ehlo: false } });
    expect(await other.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
  });
});

describe('bad-inputs 11: errors', () => {
  it('slow the answers down, then end the session', async () => {
    const [{ reception }, client] = await hello({ clock: hurry(4), options: { soft_errors: 3, hard_errors: 5 } });
    const times: number[] = [];
    for (let n = 1; n <= 4; n++) {
      const before = performance.now();
      expect(await client.ask('FOO\r\n')).toMatch(/^500/);
      times.push(performance.now() - before);
    }
    expect(Math.max(times[0] ?? 99, times[1] ?? 99)).toBeLessThan(200);
    expect(Math.min(times[2] ?? 0, times[3] ?? 0)).toBeGreaterThanOrEqual(240);
    expect(await client.ask('FOO\r\n')).toBe('421 4.7.0 too many errors');
    expect(await client.rest()).toBe('');
    expect(reception.told).toContain('event abusive: too many errors or idle commands');
  });

  it('are forgiven after a message', async () => {
    const [, client] = await open({ options: { soft_errors: 0, hard_errors: 3 } });
    for (let n = 0; n < 3; n++) {
      await openData(client);
      expect(await client.ask('a: b\r\n\r\n.\r\n')).toMatch(/^250/);
      expect(await client.ask('FOO\r\n')).toMatch(/^500/);
      expect(await client.ask('FOO\r\n')).toMatch(/^500/);
    }
  });
});

describe('bad-inputs 12: NOOP, RSET and VRFY without end', () => {
  it('are slowed down, then end the session', async () => {
    const [, client] = await hello({ clock: hurry(50), options: { junk_commands: 5, hard_errors: 3 } });
    client.say('NOOP\r\nRSET\r\nVRFY x\r\nNOOP\r\nNOOP\r\n'.repeat(2));
    const heard: string[] = [];
    for (let reply = await client.hear(); reply !== ''; reply = await client.hear()) heard.push(reply.slice(0, 3));
    expect(heard).toEqual(['250', '250', '252', '250', '250', '250', '250', '421']);
  });
});

describe('bad-inputs 13: too many recipients', () => {
  it('refuses the extra ones and keeps the rest', async () => {
    const [{ reception }, client] = await hello({ options: { max_recipients_per_message: 2 } });
    client.say(`MAIL FROM:<a@b.test>\r\n${'RCPT TO:<c@d.test>\r\n'.repeat(40)}`);
    await client.hear();
    expect(await client.hear()).toMatch(/^250/);
    expect(await client.hear()).toMatch(/^250/);
    for (let n = 0; n < 38; n++) expect(await client.hear()).toBe('452 4.5.3 Service unavailable, recipients per message limit reached');
    await client.ask('DATA\r\n');
    expect(await client.ask('a: b\r\n\r\n.\r\n')).toMatch(/^250/);
    expect(reception.kept[0]?.recipients).toHaveLength(2);
  });

  it('counts over the session too, and messages', async () => {
    const [, client] = await hello({ options: { max_recipients_per_connection: 1, max_receptions_per_connection: 1 } });
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    await client.ask('RCPT TO:<c@d.test>\r\n');
    expect(await client.ask('RCPT TO:<c@d.test>\r\n')).toBe('452 4.5.3 Service unavailable, recipients per connection limit reached');
    await client.ask('DATA\r\n');
    await client.ask('a: b\r\n\r\n.\r\n');
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('421 4.4.5 Service unavailable');
    expect(await client.rest()).toBe('');
  });
});

describe('bad-inputs 14: another protocol', () => {
  it.each(['GET / HTTP/1.1\r\nHost: <script>\r\n\r\n', 'POST /x HTTP/1.0\r\n', 'CONNECT mx.test:25 HTTP/1.1\n'])(
    '%j is closed without reflection',
    async (text) => {
      const [{ reception }, client] = await open();
      expect(await client.ask(text)).toBe('421 4.7.0 this is an SMTP service');
      expect(await client.rest()).toBe('');
      expect(reception.told).toContain('event foreign_protocol: HTTP');
    },
  );

  it('a TLS ClientHello on a plain port is closed without a word', async () => {
    const [{ reception }, client] = await open();
    client.say(Buffer.from('16030100c8010000c40303', 'hex'));
    expect(await client.rest()).toBe('');
    expect(reception.told).toContain('event foreign_protocol: TLS');
  });
});

describe('bad-inputs 15: data before the banner', () => {
  it('ends the session when a delay is on', async () => {
    const stage = await openStage({ before: (r) => (r.answers.connect = () => ({ do: 'accept', tarpitSeconds: 5 })) });
    stages.push(stage);
    const client = await stage.dial(true);
    client.say('EHLO x\r\n');
    expect(await client.hear()).toBe('554 5.5.0 client spoke before the greeting');
    expect(await client.rest()).toBe('');
    expect(stage.reception.told).toContain('event early_talker: data before the banner');
  });

  it('the banner comes when the client waits', async () => {
    const stage = await openStage({ clock: hurry(100), before: (r) => (r.answers.connect = () => ({ do: 'accept', tarpitSeconds: 5 })) });
    stages.push(stage);
    const client = await stage.dial(true);
    expect(await client.hear()).toMatch(/^220/);
    expect(await client.ask('EHLO x\r\n')).toMatch(/^250/);
  });
});

describe('bad-inputs 16: a command that must wait did not', () => {
  it.each(['EHLO x\r\nMAIL FROM:<a@b.test>\r\n', 'HELO x\r\nQUIT\r\n'])('%j is refused and closed', async (text) => {
    const [{ reception }, client] = await open();
    expect(await client.ask(text)).toBe('503 5.5.0 command sent before the reply it has to wait for');
    expect(await client.rest()).toBe('');
    expect(reception.told.some((line) => line.includes('MAIL'))).toBe(false);
  });

  it('a body behind DATA is never taken for commands', async () => {
    const [{ reception }, client] = await hello();
    client.say('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nMAIL FROM:<evil@b.test>\r\n.\r\n');
    expect(await client.hear()).toMatch(/^250/);
    expect(await client.hear()).toMatch(/^250/);
    expect(await client.hear()).toMatch(/^503 5\.5\.0/);
    expect(await client.rest()).toBe('');
    expect(reception.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(1);
  });

  it('also when the answer takes a while', async () => {
    const [{ reception }, client] = await open();
    reception.answers.recipients = () => new Promise((done) => setTimeout(done, 400));
    await client.ask('EHLO x\r\n');
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    await client.ask('RCPT TO:<c@d.test>\r\n');
    client.say('DATA\r\n');
    await new Promise((done) => setTimeout(done, 10));
    client.say('Subject: early\r\n');
    expect(await client.hear()).toMatch(/^503 5\.5\.0/);
    expect(await client.rest()).toBe('');
  });
});

describe('bad-inputs 20: BDAT', () => {
  const begin = async (setting?: Setting): Promise<[Stage, Client]> => {
    const both = await hello(setting);
    await both[1].ask('MAIL FROM:<a@b.test>\r\n');
    await both[1].ask('RCPT TO:<c@d.test>\r\n');
    return both;
  };

  it('takes chunks, an empty last one, and a pipelined next message', async () => {
    const [{ reception }, client] = await begin();
    client.say(
      'BDAT 10\r\nSubject: xBDAT 9\r\n\r\n\r\n.body\r\nBDAT 0 LAST\r\nMAIL FROM:<a@b.test>\r\n'.replace('BDAT 9\r\n', 'BDAT 11\r\n'),
    );
    expect(await client.hear()).toMatch(/^250 /);
    expect(await client.hear()).toMatch(/^250 /);
    expect(await client.hear()).toBe('250 2.0.0 OK kept');
    expect(await client.hear()).toBe('250 2.0.0 MAIL FROM accepted');
    expect(reception.kept[0]).toMatchObject({ header: 'Subject: x\r\n\r\n', body: '.body\r\n', dots: true });
  });

  it('does not mix with DATA or RCPT', async () => {
    const [, client] = await begin();
    expect(await client.ask('BDAT 3\r\na: ')).toMatch(/^250/);
    expect(await client.ask('DATA\r\n')).toBe('503 5.5.1 bad sequence of commands');
    expect(await client.ask('RCPT TO:<e@f.test>\r\n')).toBe('503 5.5.1 bad sequence of commands');
    expect(await client.ask('BDAT 5 LAST\r\nb\r\n\r\n')).toBe('250 2.0.0 OK kept');
  });

  it('drains the octets of a chunk that is refused', async () => {
    const [{ reception }, client] = await hello();
    expect(await client.ask('BDAT 22 LAST\r\nMAIL FROM:<a@b.test>\r\n')).toBe('503 5.5.1 DATA without MAIL FROM');
    expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
    expect(reception.commands.filter((line) => line.startsWith('MAIL'))).toHaveLength(0);
  });

  it('stays refused after an error until RSET', async () => {
    const [, client] = await begin({ options: { max_message_size: 10 } });
    expect(await client.ask('BDAT 12\r\na: b\r\n\r\n1234')).toMatch(/^552 5\.3\.4/);
    expect(await client.ask('BDAT 2 LAST\r\n\r\n')).toBe('503 5.5.1 bad sequence of commands');
    expect(await client.ask('RSET\r\n')).toMatch(/^250/);
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
    await client.ask('RCPT TO:<c@d.test>\r\n');
    expect(await client.ask('BDAT 8 LAST\r\na: b\r\n\r\n')).toMatch(/^250/);
  });

  it.each(['BDAT\r\n', 'BDAT x\r\nMAIL FROM:<a@b.test>\r\n', 'BDAT 5 NOW\r\n', 'BDAT -1\r\n', 'BDAT 9999999999999999999\r\n'])(
    '%j closes: nobody knows what would follow',
    async (text) => {
      const [, client] = await begin();
      expect(await client.ask(text)).toBe('501 5.5.4 invalid arguments to BDAT');
      expect(await client.rest()).toBe('');
    },
  );

  it('closes when it could only drain without end', async () => {
    const [, client] = await begin({ options: { max_message_size: 1000 } });
    expect(await client.ask('BDAT 999999999999 LAST\r\n')).toMatch(/^552 5\.3\.4/);
    expect(await client.rest()).toBe('');
  });

  it('finds its feet again when the client counted wrongly', async () => {
    const [{ reception }, client] = await begin();
    client.say('BDAT 8 LAST\r\na: b\r\n\r\nsurplus\r\n');
    expect(await client.hear()).toBe('250 2.0.0 OK kept');
    expect(await client.hear()).toBe('500 5.5.2 unrecognized command');
    expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
    expect(reception.kept[0]?.body).toBe('');
  });

  it('ends the last line when the client did not', async () => {
    const [{ reception }, client] = await begin();
    await client.ask('BDAT 12 LAST\r\na: b\r\n\r\nbody');
    expect(reception.kept[0]?.body).toBe('body\r\n');
  });

  it('is not there when it is not offered, and its octets are drained', async () => {
    const [, client] = await begin({ options: { smtp_extensions: ['SIZE'] } });
    expect(await client.ask('BDAT 6 LAST\r\nQUIT\r\n')).toBe('502 5.5.1 command not implemented');
    expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
  });
});

describe('bad-inputs 22: slow senders', () => {
  it('fall under min_data_rate', async () => {
    const [{ reception }, client] = await open({ clock: hurry(200), options: { idle_time: 0 } });
    await openData(client);
    const drip = setInterval(() => client.say('x'), 20);
    expect(await client.hear()).toBe('421 4.4.2 timed out reading the message');
    clearInterval(drip);
    expect(await client.rest()).toBe('');
    expect(reception.told).toContain('event timed_out: the message came too slowly');
  });

  it('have data_timeout in all', async () => {
    const [{ reception }, client] = await open({ clock: hurry(100), options: { idle_time: 0, min_data_rate: 0, data_timeout: 20 } });
    await openData(client);
    const drip = setInterval(() => client.say('x'.repeat(50)), 5);
    expect(await client.hear()).toBe('421 4.4.2 timed out reading the message');
    clearInterval(drip);
    expect(reception.told).toContain('event timed_out: reading the message');
  });

  it('have idle_time for a whole command, however it drips', async () => {
    const [{ reception }, client] = await hello({ clock: hurry(20), options: { idle_time: 10 } });
    const began = performance.now();
    const drip = setInterval(() => client.say('N'), 40);
    expect(await client.hear()).toBe('421 4.4.2 timed out waiting for input');
    clearInterval(drip);
    expect(performance.now() - began).toBeGreaterThan(450);
    expect(await client.rest()).toBe('');
    expect(reception.told).toContain('event timed_out: waiting for input');
  });

  it('have data_timeout for the octets of a chunk that was refused, too', async () => {
    const [, client] = await hello({ clock: hurry(100), options: { idle_time: 10, min_data_rate: 0, data_timeout: 20 } });
    client.say('BDAT 5000 LAST\r\n');
    const drip = setInterval(() => client.say('x'), 5);
    expect(await client.hear()).toBe('421 4.4.2 timed out reading the message');
    clearInterval(drip);
    expect(await client.rest()).toBe('');
  });

  it('and silent ones idle_time', async () => {
    const [{ reception }, client] = await hello({ clock: hurry(20), options: { idle_time: 10 } });
    for (let n = 0; n < 6; n++) {
      await new Promise((done) => setTimeout(done, 100));
      expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
    }
    expect(await client.hear()).toBe('421 4.4.2 timed out waiting for input');
    expect(await client.rest()).toBe('');
    expect(reception.told).toContain('event timed_out: waiting for input');
  });
});

describe('bad-inputs 23: many connections of one client', () => {
  it('get 421 above connections_per_client, unless it may relay', async () => {
    const [stage] = await open({ options: { connections_per_client: 2 } });
    await stage.dial();
    const third = await stage.dial(true);
    expect(await third.hear()).toBe('421 4.4.5 Service unavailable, concurrency limit reached');
    expect(stage.reception.told).toContain('refused 18: 421 4.4.5 Service unavailable, concurrency limit reached');
    third.socket.end();
    await expect.poll(() => stage.service.sessions).toBe(2);
    const [trusted] = await open({ options: { connections_per_client: 2, relay_hosts: core.relay_hosts.parse(['127.0.0.0/8']) } });
    await trusted.dial();
    expect(await (await trusted.dial(true)).hear()).toMatch(/^220/);
  });

  it.each(['listener_sessions', 'service_sessions'] as const)('%s counts all clients', async (limit) => {
    const [stage, first] = await open({ options: { [limit]: 1, connections_per_client: 0 } });
    expect(await (await stage.dial(true)).hear()).toMatch(/^421 4\.4\.5/);
    await first.ask('QUIT\r\n');
    await expect.poll(async () => (await (await stage.dial(true)).hear()).slice(0, 3)).toBe('220');
  });
});

describe('bad-inputs 24: EHLO with markup or escapes', () => {
  it.each(['<script>alert(1)</script>', 'a b', '$(id)', '`id`', "x'--", '', '[::1', 'x\\ny', '-x-', 'ü.test'])(
    '%j is 501',
    async (name) => {
      const [{ reception }, client] = await open();
      expect(await client.ask(Buffer.from(`EHLO ${name}\r\n`))).toBe('501 5.5.2 invalid EHLO');
      expect(reception.commands.at(-1)).toMatch(/\|501$/);
      expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
    },
  );

  it.each(['x', 'mail.example.com', '[192.0.2.1]', '[IPv6:2001:db8::1]', 'host_name', 'localhost.', '_a-b'])('%j is fine', async (name) => {
    const [, client] = await open();
    expect(await client.ask(`EHLO ${name}\r\n`)).toMatch(/^250/);
  });
});

describe('bad-inputs 25: long lines are never cut', () => {
  it('refuses them by default and lets them pass when told to', async () => {
    const long = `a: b\r\n\r\n${'x'.repeat(999)}\r\n.\r\n`;
    const [, client] = await open();
    await openData(client);
    expect(await client.ask(long)).toBe('550 5.6.0 Body line too long');
    await openData(client);
    expect(await client.ask(`a: ${'b'.repeat(996)}\r\n\r\n.\r\n`)).toBe('550 5.6.0 Header line too long');
    await openData(client);
    expect(await client.ask(`a: ${'b'.repeat(995)}\r\n\r\n${'x'.repeat(998)}\r\n.\r\n`)).toMatch(/^250/);
    const [{ reception }, other] = await open({ options: { rfc2822_max_line_length_policy: 'none' } });
    await openData(other);
    expect(await other.ask(long)).toMatch(/^250/);
    expect(reception.kept[0]?.body).toHaveLength(1001);
  });
});

describe('bad-inputs 26: header block', () => {
  it('is refused above its octets or lines, read to the end', async () => {
    const [{ reception }, client] = await open({ options: { max_header_bytes: 2000, max_header_lines: 50 } });
    await openData(client);
    expect(await client.ask(`${'a: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n'.repeat(49)}\r\nx\r\n.\r\n`)).toMatch(
      /^552 5\.3\.4 header/,
    );
    await openData(client);
    expect(await client.ask(`${'a: b\r\n'.repeat(51)}\r\nx\r\n.\r\n`)).toMatch(/^552 5\.3\.4 header/);
    await openData(client);
    expect(await client.ask(`${'a: b\r\n'.repeat(50)}\r\n${'x\r\n'.repeat(5000)}.\r\n`)).toMatch(/^250/);
    expect(reception.kept).toHaveLength(1);
  });
});

describe('bad-inputs 31: a header block without end', () => {
  it('of 10 MB is read to its end, kept nowhere, and refused in time that grows with its octets only', async () => {
    const [{ reception }, client] = await open({ options: { max_message_size: 20_000_000 } });
    await openData(client);
    const before = performance.now();
    client.say(`${'word: soup (of "many\r\n\tfolds; '.repeat(320_000)}\r\n\r\n.\r\n`);
    expect(await client.hear()).toMatch(/^552 5\.3\.4/);
    expect(performance.now() - before).toBeLessThan(2000);
    expect(reception.kept).toHaveLength(0);
    expect(await client.ask('NOOP\r\n')).toMatch(/^250/);
  });
});

describe('bad-inputs 27: loops', () => {
  it('refuses above max_hops Received fields', async () => {
    const [, client] = await open();
    await openData(client);
    expect(await client.ask(`${'Received: x\r\n'.repeat(51)}\r\n.\r\n`)).toMatch(/^554 5\.4\.6 /);
    await openData(client);
    expect(await client.ask(`${'received: x\r\n'.repeat(50)}a: b\r\n\r\n.\r\n`)).toMatch(/^250/);
  });

  it('refuses what passed here more than three times', async () => {
    const trace =
      'Received: from [1.2.3.4] ([1.2.3.4:5] helo=x)\r\n\tby mx.test (envelope-from <a@b>)\r\n\t(Celeris 0) with ESMTP\r\n\tid 1; date\r\n';
    const [, client] = await open();
    await openData(client);
    expect(await client.ask(`${trace.repeat(4)}\r\n.\r\n`)).toMatch(/^554 5\.4\.6 /);
    await openData(client);
    expect(await client.ask(`${trace.repeat(3)}\r\n.\r\n`)).toMatch(/^250/);
  });
});

describe('bad-inputs 28: NUL in the message', () => {
  it('is refused, or replaced when told to', async () => {
    const [, client] = await open();
    await openData(client);
    expect(await client.ask('a: b\r\n\r\nx\0y\r\n.\r\n')).toBe('550 5.6.0 NUL in message');
    const [{ reception }, other] = await open({ options: { rfc2822_lone_lf_in_body: 'fix' } });
    await openData(other);
    expect(await other.ask('a: b\r\n\r\nx\0y\r\n.\r\n')).toMatch(/^250/);
    expect(reception.kept[0]?.body).toBe('x y\r\n');
  });
});

describe('bad-inputs 32: no header block', () => {
  it.each([
    ['just text\r\nmore\r\n', 'just text\r\nmore\r\n'],
    ['\r\nbehind an empty line\r\n', 'behind an empty line\r\n'],
    ['text\r\n\r\nand a paragraph\r\n', 'text\r\n\r\nand a paragraph\r\n'],
    ['', ''],
  ])('%j is all body', async (text, body) => {
    const [{ reception }, client] = await open();
    await openData(client);
    expect(await client.ask(`${text}.\r\n`)).toMatch(/^250/);
    expect(reception.kept[0]).toMatchObject({ header: '', body });
    expect(reception.kept[0]?.facts.headerMissing).toBe(true);
  });

  it('a header block without its empty line gets one', async () => {
    const [{ reception }, client] = await open();
    await openData(client);
    expect(await client.ask('a: b\r\n.\r\n')).toMatch(/^250/);
    expect(reception.kept[0]).toMatchObject({ header: 'a: b\r\n\r\n', body: '' });
  });

  it('is refused when told to', async () => {
    const [, client] = await open({ options: { rfc2822_missing_headers: 'reject' } });
    await openData(client);
    expect(await client.ask('just text\r\n.\r\n')).toBe('550 5.6.0 Required headers not found');
  });
});
