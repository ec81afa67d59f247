/** Mail from real clients arrives at a real server, and every step can be read afterwards. */
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { smtpSource, swaks } from '../harness/program.js';
import { needs } from '../needs.js';

needs('swaks')('swaks', () => {
  it('delivers to two recipients and logs R and D for each', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    const run = await swaks(daemon.port, [
      '--from',
      'alice@sender.test',
      '--to',
      'bob@one.test,eve@two.test',
      '--body',
      'line\n.dot\n..dots',
    ]);
    expect(run.status).toBe(0);
    await sink.waitFor(1);
    await daemon.waitFor('two D lines', () => daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === 'D').length === 2);
    const text = sink.received.map(({ raw }) => raw.toString('latin1')).join('');
    expect(text).toContain('\r\n.dot\r\n..dots');
    expect(text).toMatch(/^Return-Path: <alice@sender\.test>\r\nReceived: from \[127\.0\.0\.1\]/);
    expect(sink.received.flatMap(({ to }) => to).sort()).toEqual(['bob@one.test', 'eve@two.test']);
    const lines = daemon.fileLines('mainlog.ec').map((line) => line.split('@'));
    expect(lines.filter((fields) => fields[4] === 'R').map((fields) => fields.length)).toEqual([14, 14]);
    expect(lines.filter((fields) => fields[4] === 'D').map((fields) => fields.length)).toEqual([12, 12]);
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: 2, successfullyDelivered: 2, totalQueueSize: 0 });
  });

  it('refuses to relay for strangers, and says so in the reject log', async () => {
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: 9 }).replace('relay_hosts = ( 127.0.0.0/8 )', 'relay_domains = ( "ours.test" )'),
    });
    expect((await swaks(daemon.port, ['--from', 'a@b.test', '--to', 'x@elsewhere.test'])).status).not.toBe(0);
    expect((await swaks(daemon.port, ['--from', 'a@b.test', '--to', 'x@ours.test'])).status).toBe(0);
    await daemon.waitFor('a reject line', () =>
      daemon.fileLines('rejectlog.ec').some((line) => line.includes('P="relaying denied" E=550') && line.endsWith('5.7.1 relaying denied')),
    );
  });
});

needs('postfix')('smtp-source', () => {
  it('brings 300 messages over 20 sessions, each delivered once', async () => {
    await using sink = await startSink({ keep: false });
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    const run = await smtpSource(daemon.port, { messages: 300, sessions: 20 });
    expect(run.status).toBe(0);
    await daemon.waitFor('an empty queue', async () => ((await daemon.consoleJson('summary')) as { queued: number }).queued === 0, 20_000);
    expect(sink.messages).toBe(300);
  });
});
