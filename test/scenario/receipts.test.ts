/** RFC 3461 from the client to the notice: what a sender hears who asked to hear of success. */
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

async function submit(daemon: Daemon): Promise<void> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  await client.command('MAIL FROM:<alice@sender.test> RET=HDRS ENVID=QQ+2B314', 250);
  await client.command('RCPT TO:<bob@one.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;robert+2Bx@one.test', 250);
  await client.command('DATA', 354);
  await client.command('Subject: hi\r\nMessage-ID: <one@sender.test>\r\n\r\nsecret text\r\n.', 250);
  await client.command('QUIT', 221);
}

describe('NOTIFY=SUCCESS', () => {
  it.each([
    ['relayed', false],
    ['delivered', true],
  ])('is answered with "%s" where the next hop does not answer it (LMTP: %s)', async (action, lmtp) => {
    await using sink = await startSink({ without: ['DSN'], lmtp });
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: sink.port, more: lmtp ? `delivery_method = lmtp\nlmtp_port = ${sink.port}` : '' }),
    });
    await submit(daemon);
    await sink.waitFor(2);
    const notice = sink.received.find(({ from }) => from === '');
    expect(notice?.to).toEqual(['alice@sender.test']);
    const parsed = await simpleParser(notice?.raw ?? Buffer.alloc(0));
    expect(parsed.headers.get('content-type')).toMatchObject({ value: 'multipart/report', params: { 'report-type': 'delivery-status' } });
    expect(parsed.subject).toBe(`${action === 'relayed' ? 'Relayed' : 'Delivered'} mail: bob@one.test`);
    const fields = notice?.raw.toString().split('\r\n');
    for (const line of [
      'Original-Envelope-Id: QQ+314',
      'Original-Recipient: rfc822;robert+x@one.test',
      'Final-Recipient: rfc822;bob@one.test',
      `Action: ${action}`,
    ])
      expect(fields).toContain(line);
    expect(notice?.raw.toString()).toContain('Message-ID: <one@sender.test>');
    expect(notice?.raw.toString()).not.toContain('secret text');
    await daemon.waitFor('both deliveries', () => daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === 'D').length === 2);
    expect(daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === 'P')).toEqual([]);
  });

  it('goes on with everything else to a next hop that answers it, and we are silent', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    await submit(daemon);
    await sink.waitFor(1);
    await daemon.stop();
    expect(sink.messages).toBe(1);
    const { parameters } = sink.received[0] ?? { parameters: new Map() };
    expect(Object.fromEntries(parameters)).toMatchObject({ RET: 'HDRS', NOTIFY: 'SUCCESS,FAILURE' });
  });
});
