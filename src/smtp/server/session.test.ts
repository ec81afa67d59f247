/** The order of an SMTP session: what is answered, asked and told. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, openData, openStage, type Setting, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';
import { reply } from '../../mail/reply.js';
import { disconnect, reject, tempfail } from '../../module/verdict.js';

let stage: Stage | undefined;
const open = async (setting?: Setting): Promise<[Stage, Client]> => {
  stage = await openStage(setting);
  return [stage, await stage.dial()];
};
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

describe('a session', () => {
  it('greets, offers, takes a message and says goodbye', async () => {
    stage = await openStage();
    const client = await stage.dial(true);
    expect(await client.hear()).toMatch(/^220 mx\.test ESMTP Celeris 0 \w{3}, \d\d? \w{3} \d{4} [\d:]{8} \+0000$/);
    expect(await client.ask('EHLO client.test\r\n')).toBe(
      [
        '250-mx.test says EHLO to 127.0.0.1',
        '250-PIPELINING',
        '250-8BITMIME',
        '250-SIZE 10485760',
        '250-ENHANCEDSTATUSCODES',
        '250-SMTPUTF8',
        '250-CHUNKING',
        '250-BINARYMIME',
        '250-DSN',
        '250-MT-PRIORITY',
        '250-DELIVERBY',
        '250 LIMITS RCPTMAX=1000',
      ].join('\r\n'),
    );
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x+2By\r\n')).toBe('250 2.0.0 MAIL FROM accepted');
    expect(await client.ask('RCPT TO:<c@d.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@d.test\r\n')).toBe('250 2.0.0 RCPT TO accepted');
    expect(await client.ask('DATA\r\n')).toMatch(/^354 /);
    expect(await client.ask('Subject: x\r\n\r\n..dot\r\nend\r\n.\r\n')).toBe('250 2.0.0 OK kept');
    expect(await client.ask('QUIT\r\n')).toBe('221 2.3.0 mx.test closing connection');
    expect(await client.rest()).toBe('');
    expect(stage.reception.kept).toMatchObject([
      { sender: 'a@b.test', recipients: ['c@d.test'], header: 'Subject: x\r\n\r\n', body: '.dot\r\nend\r\n', dots: true, size: 25 },
    ]);
    expect(stage.reception.commands).toEqual([
      'EHLO|EHLO client.test|250',
      'MAIL|MAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x+2By|250',
      'RCPT|RCPT TO:<c@d.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c@d.test|250',
      'DATA|DATA|354',
      '.|.|250',
      'QUIT|QUIT|221',
    ]);
    await expect.poll(() => stage?.reception.told).toEqual(['closed']);
    expect(stage.reception.errors).toEqual([]);
  });

  it('takes a pipelined envelope and message after message', async () => {
    const [{ reception }, client] = await open();
    await client.ask('EHLO client.test\r\n');
    for (let n = 0; n < 3; n++) {
      client.say('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@f.test>\r\nDATA\r\n');
      expect([await client.hear(), await client.hear(), await client.hear(), await client.hear()].map((r) => r.slice(0, 3))).toEqual([
        '250',
        '250',
        '250',
        '354',
      ]);
      expect(await client.ask('a: b\r\n\r\nbody\r\n.\r\n')).toMatch(/^250 /);
    }
    expect(reception.kept).toHaveLength(3);
    expect(reception.told).toEqual([]);
  });

  it('waits for answers that come later, in order', async () => {
    const [{ reception }, client] = await open({
      before: (r) => {
        const later = async () => {
          await new Promise((done) => setTimeout(done, 5));
          return undefined;
        };
        r.answers.ehlo = later;
        r.answers.mailFrom = later;
        r.answers.rcptTo = async (_, about) => (about.startsWith('bad') ? reject('550 5.1.1 nobody') : later());
        r.answers.recipients = later;
        r.answerMessage = async () => reply(250, '2.0.0', 'later');
      },
    });
    await client.ask('EHLO client.test\r\n');
    client.say('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<bad@d.test>\r\nDATA\r\n');
    expect(await client.hear()).toMatch(/^250/);
    expect(await client.hear()).toMatch(/^250/);
    expect(await client.hear()).toBe('550 5.1.1 nobody');
    expect(await client.hear()).toMatch(/^354/);
    expect(await client.ask('a: b\r\n\r\nx\r\n.\r\n')).toBe('250 2.0.0 later');
    expect(reception.kept[0]?.recipients).toEqual(['c@d.test']);
  });

  it('answers verdicts, closes on disconnect, and never opens what was refused', async () => {
    const [{ reception }, client] = await open({
      before: (r) => {
        r.answers.mailFrom = (_, about) => (about.startsWith('no') ? tempfail('451 4.7.1 not now') : undefined);
        r.answers.rcptTo = () => disconnect('go away\nfar away');
      },
    });
    await client.ask('HELO client.test\r\n');
    expect(await client.ask('MAIL FROM:<no@b.test>\r\n')).toBe('451 4.7.1 not now');
    expect(reception.told).toEqual(['reset']);
    expect(await client.ask('RCPT TO:<c@d.test>\r\n')).toBe('503 RCPT TO without MAIL FROM');
    expect(await client.ask('MAIL FROM:<>\r\n')).toMatch(/^250/);
    expect(await client.ask('RCPT TO:<c@d.test>\r\n')).toBe('421-4.3.0 go away\r\n421 4.3.0 far away');
    expect(await client.rest()).toBe('');
  });

  it('fails closed when the reception throws', async () => {
    const [{ reception }, client] = await open({
      before: (r) => {
        r.answers.mailFrom = () => {
          throw new Error('broken');
        };
      },
    });
    await client.ask('EHLO client.test\r\n');
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('451 4.3.0 temporary policy failure');
    reception.answers.mailFrom = () => Promise.reject(new Error('broken later'));
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('451 4.3.0 temporary policy failure');
    expect(reception.errors).toHaveLength(2);
    delete reception.answers.mailFrom;
    reception.answerMessage = () => Promise.reject(new Error('disk'));
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    await client.ask('RCPT TO:<c@d.test>\r\n');
    await client.ask('DATA\r\n');
    expect(await client.ask('a: b\r\n\r\nx\r\n.\r\n')).toBe('451 4.3.0 temporary policy failure');
  });

  it('never lets a reply of a module break its line', async () => {
    const [, client] = await open({ before: (r) => (r.answers.mailFrom = () => reject('550 5.7.1 a\r250 fine\0')) });
    await client.ask('EHLO client.test\r\n');
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('550 5.7.1 a 250 fine ');
  });

  it('moves to the newest options at MAIL, and says goodbye to who is no longer admitted', async () => {
    const [{ reception }, client] = await open();
    const { inboundValues } = await import('../../../test/fuzz/smtp-rehearsal.js');
    await client.ask('EHLO client.test\r\n');
    reception.values = inboundValues({ max_message_size: 1000 });
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=2000\r\n')).toBe('552 5.3.4 message size limit exceeded');
    reception.values = undefined;
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('421 4.3.2 Reconfiguration in progress');
    expect(await client.rest()).toBe('');
  });

  it('answers what a client sent before it closed its side', async () => {
    const [{ reception }, client] = await open({ before: (r) => (r.answerMessage = async () => reply(250, '', 'late')) });
    await openData(client);
    client.socket.end('a: b\r\n\r\nx\r\n.\r\nQUIT\r\n');
    expect(await client.hear()).toBe('250 late');
    expect(await client.hear()).toMatch(/^221/);
    expect(reception.kept).toHaveLength(1);
  });

  it('drops a transaction whose client vanished, and closes once', async () => {
    const [{ reception, service }, client] = await open();
    await openData(client);
    client.say('a: b\r\n\r\nhalf');
    client.close();
    await expect.poll(() => reception.told).toEqual(['reset', 'closed']);
    expect(service.sessions).toBe(0);
    expect(reception.kept).toHaveLength(0);
  });

  it('offers exactly the list of smtp_extensions', async () => {
    const [, client] = await open({ options: { smtp_extensions: ['ENHANCEDSTATUSCODES', 'STARTTLS'] } });
    expect(await client.ask('EHLO x\r\n')).toBe(
      '250-mx.test says EHLO to 127.0.0.1\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES',
    );
    expect(await client.ask('MAIL FROM:<a@b.test> SIZE=1\r\n')).toMatch(/^555 5\.5\.4/);
  });

  it('lets a module add and remove keywords', async () => {
    const [, client] = await open({
      before: (r) => {
        r.answers.connect = (session) => {
          session.extensions.set('XTEST', 'one two');
          session.extensions.delete('DSN');
          session.banner = 'other.test ESMTP';
        };
      },
    });
    const offer = await client.ask('EHLO x\r\n');
    expect(offer).toContain('250 XTEST one two');
    expect(offer).not.toContain('DSN');
  });

  it('carries non-ASCII addresses only with SMTPUTF8', async () => {
    const [{ reception }, client] = await open();
    await client.ask('EHLO x\r\n');
    client.say(Buffer.from('MAIL FROM:<jürgen@b.test> SMTPUTF8\r\n', 'utf8'));
    expect(await client.hear()).toMatch(/^250/);
    client.say(Buffer.from('RCPT TO:<zoë@d.test>\r\n', 'utf8'));
    expect(await client.hear()).toMatch(/^250/);
    await client.ask('DATA\r\n');
    await client.ask('a: b\r\n\r\n.\r\n');
    expect(reception.kept[0]).toMatchObject({ sender: 'jürgen@b.test', recipients: ['zoë@d.test'] });
  });

  it('waits for early talkers when asked to, and tells that they spoke', async () => {
    stage = await openStage({
      before: (r) => {
        r.answers.connect = async (session) => ((await session.early(5, session.signal)) ? reject('554 5.7.1 patience') : undefined);
      },
    });
    const client = await stage.dial(true);
    client.say('EHLO x\r\n');
    expect(await client.hear()).toBe('554 5.7.1 patience');
    const quiet = await openStage({
      before: (r) => {
        r.answers.connect = async (session) => ((await session.early(0.02, session.signal)) ? reject('no') : undefined);
      },
    });
    const patient = await quiet.dial(true);
    expect(await patient.hear()).toMatch(/^220/);
    await quiet.close();
  });
});

describe('shut-down', () => {
  it('ends idle sessions at once, others at their next command, and lets a message finish', async () => {
    const [{ service, reception, dial }, idle] = await open();
    const inMail = await dial();
    await inMail.ask('EHLO x\r\n');
    await inMail.ask('MAIL FROM:<a@b.test>\r\n');
    const inData = await dial();
    await openData(inData);
    inData.say('a: b\r\n\r\nhalf');
    await expect.poll(() => service.sessions).toBe(3);
    const done = service.shutDown(AbortSignal.timeout(5000));
    expect(await idle.hear()).toBe('421 4.3.2 Service shutting down');
    expect(await inMail.ask('RCPT TO:<c@d.test>\r\n')).toBe('421 4.3.2 Service shutting down');
    expect(await inData.ask('\r\n.\r\n')).toBe('250 2.0.0 OK kept');
    expect(await inData.hear()).toBe('421 4.3.2 Service shutting down');
    for (const client of [idle, inMail, inData]) client.socket.end();
    await done;
    expect(service.sessions).toBe(0);
    expect(reception.kept).toHaveLength(1);
  });

  it('cuts what does not leave in time', async () => {
    const [{ service }, client] = await open();
    await openData(client);
    await service.shutDown(AbortSignal.timeout(30));
    expect(await client.rest()).toBe('');
  });
});
