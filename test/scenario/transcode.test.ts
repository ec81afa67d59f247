/** A server whose replies mean something else, and the module that says what. */
import { describe, expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

describe('response_transcode', () => {
  it('ends mail at once that the server would put off for ever, with the text that stands in', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt*1=454 4.7.1 no such user here')] });
    const rule = 'response_transcode_pattern = "/^454 \\S+ (no such user.*)/"\nresponse_transcode_replace = "554 5.1.1 $1"\n';
    await using daemon = await startDaemon({ conf: (place) => rule + plainConf(place, { sinkPort: sink.port }) });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.deliver('', ['bob@one.test'], 'From: alice@sender.test\r\n\r\ntext\r\n');
    await client.command('QUIT', 221);
    const line = await daemon.waitFor('P', () => daemon.fileLines('mainlog.ec').find((each) => each.split('@')[4] === 'P'));
    expect(line).toMatch(/@554 5\.1\.1 no such user here$/);
    expect(await daemon.consoleJson('summary')).toMatchObject({ failed: 1, queued: 0 });
  });
});
