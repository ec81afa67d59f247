/** Domains beyond ASCII, by SMTPUTF8 or as A-labels: one domain for access, options, queue and console, whichever way either side writes it. */
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

it.each(['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example'])('written as %s in the file', async (written) => {
  await using sink = await startSink();
  await using daemon = await startDaemon({
    conf: (place) => {
      const plain = plainConf(place).replace('relay_hosts = ( 127.0.0.0/8 )', `relay_domains = ( "${written}" "*.${written}" )`);
      const route = '{ gateway = "[127.0.0.1]" }\n';
      return `${plain}remote_smtp_port = ${sink.port}\ndeliver_to_private = true\ndomain "${written}" ${route}domain "sub.${written}" ${route}`;
    },
  });
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250, /SMTPUTF8/);
  const recipients = ['one@bücher.example', 'two@xn--bcher-kva.example', 'drei-ü@Bücher.example', 'four@sub.bücher.example'];
  for (const to of recipients) {
    await client.command(utf8('MAIL FROM:<jörg@müller.example> SMTPUTF8'), 250);
    await client.command(utf8(`RCPT TO:<${to}>`), 250);
    await client.command('DATA', 354);
    await client.command(utf8('Subject: grüße\r\n\r\nx\r\n.'), 250);
  }
  await client.command('MAIL FROM:<a@b.test>', 250);
  await client.command('RCPT TO:<x@bcher.example>', 550);
  await client.command('RSET', 250);
  await client.command(utf8('MAIL FROM:<a@b.test> SMTPUTF8'), 250);
  await client.command(utf8('RCPT TO:<x@buecher.example>'), 550);
  await sink.waitFor(recipients.length);
  // The sink itself shows A-labels as U-labels.
  const shown = recipients.map((to) => to.replace(/Bücher|xn--bcher-kva/, 'bücher'));
  expect(sink.received.flatMap(({ to }) => to).sort()).toEqual(shown.sort());
  for (const { from, parameters } of sink.received) {
    expect(from).toBe('jörg@müller.example');
    expect(parameters.get('SMTPUTF8')).toBe(true);
  }
});
