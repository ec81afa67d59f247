/** Extensions of reception end to end: international mail and mail with a time for its delivery, through the daemon to a sink. */
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const octets = (text: string): string => Buffer.from(text).toString('latin1');

async function send(port: number, mail: string, recipient: string, subject: string): Promise<void> {
  const client = await RawClient.connect(port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  await client.command(octets(`MAIL FROM:${mail}`), 250);
  await client.command(octets(`RCPT TO:<${recipient}>`), 250);
  await client.command('DATA', 354);
  await client.command(octets(`Subject: ${subject}\r\n\r\nhello\r\n.`), 250);
  client.close();
}

it('SMTPUTF8 and IDN: addresses and header arrive as they were sent', async () => {
  await using sink = await startSink();
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
  await send(daemon.port, '<jürgen@müller.example> SMTPUTF8', '用户@例子.example', 'Grüße');
  await sink.waitFor(1);
  const [mail] = sink.received;
  expect(mail?.raw.toString()).toContain('Subject: Grüße');
  expect(JSON.stringify(mail)).toMatch(/用户@(?:例子|xn--fsqu00a)\.example/);
});

it('SMTPUTF8: a next hop without it never gets the mail, and the sender reads 5.6.7', async () => {
  await using sink = await startSink({ without: ['SMTPUTF8'] });
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
  await send(daemon.port, '<ann@sender.test> SMTPUTF8', 'jürgen@far.test', 'hello');
  await sink.waitFor(1);
  const notice = sink.received[0]?.raw.toString() ?? '';
  expect(notice).toMatch(/^Status: 5\.6\.7/m);
  expect(notice).toContain('could not be delivered');
});

it('DELIVERBY: what has to come back in time goes to no server without it', async () => {
  await using sink = await startSink();
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
  await send(daemon.port, '<ann@sender.test> BY=60;R', 'x@far.test', 'hello');
  await sink.waitFor(1);
  expect(sink.received[0]?.raw.toString()).toMatch(/^Status: 5\.3\.3/m);
  await send(daemon.port, '<ann@sender.test> BY=60;N', 'x@far.test', 'goes on');
  await sink.waitFor(2);
  expect(sink.received[1]?.raw.toString()).toContain('Subject: goes on');
});

it('DELIVERBY: fails at its time where nobody answers', async () => {
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
  await send(daemon.port, '<ann@sender.test> BY=2;R', 'x@far.test', 'hello');
  await daemon.waitFor('its end', () => daemon.fileLines('mainlog.ec').some((line) => line.includes('delivery time expired')));
});

it('a blank behind the colon and names without a domain: the address that was made whole is the one that is delivered', async () => {
  await using sink = await startSink();
  const more = `rfc2821_allow_whitespace_in_envelope = true
domain_for_unqualified_sender_address = "From.Test"
domain_for_unqualified_recipient_addresses = "To.Test"`;
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port, more }) });
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  for (const [from, to] of [
    ['MAIL FROM: <ann@sender.test> SIZE=10', 'RCPT TO: <bob@far.test>'],
    ['MAIL FROM:< ann@sender.test >', 'RCPT TO:  < bob@far.test > NOTIFY=NEVER'],
    ['MAIL FROM: <printer>', 'RCPT TO: <postmaster>'],
    ['MAIL FROM: <>', 'RCPT TO:<"bob">'],
  ] as const) {
    await client.command(from, 250);
    await client.command(to, 250);
    await client.command('DATA', 354);
    await client.command('Subject: x\r\n\r\nx\r\n.', 250);
  }
  // Nothing else is overlooked.
  for (const wrong of ['MAIL FROM: ann@sender.test', 'MAIL FROM : <a@b.test>', 'MAIL FROM: <a b@b.test>', 'MAIL FROM: <a@b.test>SIZE=1'])
    await client.command(wrong, 501);
  await sink.waitFor(4);
  expect(sink.received.map(({ from, to }) => `${from} ${to.join()}`).toSorted()).toEqual([
    expect.stringMatching(/^ "?bob"?@to\.test$/),
    'ann@sender.test bob@far.test',
    'ann@sender.test bob@far.test',
    'printer@from.test postmaster@to.test',
  ]);
  expect(sink.received.find(({ from }) => from.startsWith('printer'))?.raw.toString()).toContain('Return-Path: <printer@from.test>');
});
