/** The harness against the built-in sink: raw client, transcripts, smtp-source and swaks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isListening } from '../../src/tools/listening.js';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { needs } from '../needs.js';
import { RawClient } from './client.js';
import { freePort } from './place.js';
import { smtpSource, swaks } from './program.js';
import { playTranscript } from './transcript.js';

let sink: Sink;
beforeEach(async () => {
  sink = await startSink({ tls: true });
});
afterEach(() => sink.close());

describe('the raw client', () => {
  it('delivers over TLS', async () => {
    const client = await RawClient.connect(sink.port);
    await client.expect(220);
    await client.command('EHLO a.example', 250, /STARTTLS/);
    await client.command('STARTTLS', 220);
    await client.startTls();
    await client.command('EHLO a.example', 250);
    expect(await client.deliver('a@b.example', ['c@d.example'], 'Subject: x\r\n\r\ny')).toMatchObject({ code: 250 });
    await client.command('QUIT', 221);
    await client.end();
    expect(sink.received[0]).toMatchObject({ secure: true, from: 'a@b.example' });
  });

  it('says what it heard in place of what it expected', async () => {
    const client = await RawClient.connect(sink.port, { timeoutMs: 100 });
    await expect(client.expect(554)).rejects.toThrow(/expected 554, heard "220 /);
    await expect(client.reply()).rejects.toThrow(/nothing more within 100 ms/);
    client.close();
  });
});

describe('a transcript', () => {
  it('plays', async () => {
    await playTranscript(
      sink.port,
      `# greeting, then everything at once
       S: 220 ... sink
       C: EHLO a.example
       S: 250-*
       S: 250 ...
       C: MAIL FROM:<{who}@b.example>
       C: RCPT TO:<c@d.example>
       C: DATA
       S: 250 ...
       S: 250 ...
       S: 354 ...
       R: Subject: x\\r\\n\\r\\n\\x41\\r\\n.\\r\\n
       S: 250 OK...
       C: QUIT
       S: 221 Bye
       S: (closed)`,
      { variables: { who: 'ann' } },
    );
    expect(sink.received[0]).toMatchObject({ from: 'ann@b.example' });
    expect(sink.received[0]?.raw.toString()).toBe('Subject: x\r\n\r\nA\r\n');
  });

  it('fails at the line that differs', async () => {
    await expect(playTranscript(sink.port, 'S: 220 ...\nC: NOOP\nS: 421 ...')).rejects.toThrow(
      /line 3: expected "S: 421 ...", heard "250 OK"/,
    );
    await expect(playTranscript(sink.port, 'S: 220 ...\nC: QUIT\nS: 221 Bye\nS: 250 x')).rejects.toThrow(/heard the end of the connection/);
    await expect(playTranscript(sink.port, 'X')).rejects.toThrow(/no line of a transcript/);
  });
});

describe('ports', () => {
  it('are seen without connecting', async () => {
    expect(isListening(sink.port)).toBe(true);
    expect(isListening(await freePort())).toBe(false);
    expect(sink.connections).toBe(0);
  });
});

needs('postfix', 'swaks')('programs', () => {
  it('send', async () => {
    await smtpSource(sink.port, { messages: 20, sessions: 4 });
    await smtpSource(sink.port, { messages: 20, sessions: 4, kept: true, bytes: 512 });
    expect(sink.messages).toBe(40);
    expect((await swaks(sink.port)).status).toBe(0);
    sink.script.add(parseSaying('rcpt=550 5.1.1 nobody'));
    expect((await swaks(sink.port)).stdout).toContain('550 5.1.1 nobody');
    await expect(smtpSource(await freePort(), { messages: 1 })).rejects.toThrow(/smtp-source ended/);
  });
});
