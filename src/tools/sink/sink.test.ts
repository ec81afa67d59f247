/** The sink against nodemailer and a raw client: acceptance, every phase's answers, LMTP, TLS, ends of connections. */
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import nodemailer from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';
import { parseSaying } from './rule.js';
import { printLine, printParts } from './show.js';
import { type Sink, type SinkOptions, startSink } from './sink.js';
import { openFolder, openMaildir } from './store.js';

const open: Sink[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((sink) => sink.close()));
});

async function sinkWith(options: SinkOptions = {}): Promise<Sink> {
  const sink = await startSink(options);
  open.push(sink);
  return sink;
}

const mail = { from: 'ann@example.com', to: ['bob@example.net', 'cy@example.net'], subject: 'Hello', text: '.dot first\n..two\nend' };

async function send(sink: Sink, message: object = mail): Promise<string> {
  const transport = nodemailer.createTransport({ host: sink.host, port: sink.port, tls: { rejectUnauthorized: false } });
  try {
    return (await transport.sendMail(message)).response;
  } finally {
    transport.close();
  }
}

/** Sends lines after the greeting, all at once, and resolves to everything heard until the peer closes or 300 ms of silence. */
async function speak(sink: Sink, lines: readonly string[]): Promise<string> {
  const socket = net.connect(sink.port, sink.host);
  let heard = '';
  socket.setTimeout(300, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (heard === '') socket.write(lines.map((line) => `${line}\r\n`).join(''));
    heard += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return heard;
}

describe('the sink', () => {
  it('takes a message as it was sent', async () => {
    const sink = await sinkWith();
    expect(await send(sink)).toMatch(/^250 /);
    expect(sink.received).toHaveLength(1);
    const [first] = sink.received;
    expect(first).toMatchObject({ from: 'ann@example.com', to: ['bob@example.net', 'cy@example.net'], secure: false, transaction: 1 });
    expect(first?.raw.toString()).toContain('\r\n.dot first\r\n..two\r\nend');
    expect(first?.size).toBe(first?.raw.length);
    expect(printLine(1, first as never)).toMatch(/^1 from <ann@example.com> to <bob@example.net>, <cy@example.net> \d+ bytes$/);
    expect(await printParts(first as never)).toContain('  Subject: Hello');
  });

  it('greets at once', async () => {
    const sink = await sinkWith();
    const before = performance.now();
    await speak(sink, ['QUIT']);
    expect(performance.now() - before).toBeLessThan(90);
  });

  it('says at each phase what it was told, as often as it was told', async () => {
    const sink = await sinkWith({
      rules: ['ehlo*1=502 5.5.1 no', 'mail*1=450 4.1.8 later', 'rcpt*1=452 4.5.3 full', '*'].slice(0, 3).map(parseSaying),
    });
    const heard = await speak(sink, [
      'EHLO a.example',
      'HELO a.example',
      'MAIL FROM:<a@b.example>',
      'MAIL FROM:<a@b.example>',
      'RCPT TO:<c@d.example>',
      'RCPT TO:<c@d.example>',
      'QUIT',
    ]);
    expect(heard.match(/^\d{3} /gm)?.map((code) => code.trim())).toEqual(['220', '502', '250', '450', '250', '452', '250', '221']);
  });

  it('answers the message by its recipients, once', async () => {
    const sink = await sinkWith({ rules: [{ phase: 'data', match: /cy@/, times: 1, reply: { code: 451, text: '4.2.0 try later' } }] });
    await expect(send(sink)).rejects.toMatchObject({ responseCode: 451, response: '451 4.2.0 try later' });
    expect(sink.messages).toBe(0);
    expect(await send(sink)).toMatch(/^250 /);
  });

  it('refuses, drops and hangs up connections', async () => {
    const sink = await sinkWith({ rules: [parseSaying('connect*1=554 5.7.1 go away'), { phase: 'connect', times: 1, end: 'drop' }] });
    expect(await speak(sink, [])).toBe('554 5.7.1 go away\r\n');
    expect(await speak(sink, [])).toBe('');
    sink.script.add({ phase: 'mail', end: 'close', reply: { code: 550, text: 'no' } });
    expect(await speak(sink, ['HELO a.example', 'MAIL FROM:<a@b.example>'])).toMatch(/550 no\r\n$/);
    sink.script.clear();
    sink.script.add({ phase: 'mail', end: 'hang' });
    expect(await speak(sink, ['HELO a.example', 'MAIL FROM:<a@b.example>'])).toMatch(/250 [^\r]*\r\n$/);
    expect(sink.connections).toBe(4);
  });

  it('waits before an answer', async () => {
    const sink = await sinkWith({ rules: [{ phase: 'data', delaySeconds: 0.2 }] });
    const before = performance.now();
    await send(sink);
    expect(performance.now() - before).toBeGreaterThan(195);
  });

  it('speaks LMTP with an answer for each recipient', async () => {
    const sink = await sinkWith({ lmtp: true, rules: [{ phase: 'data', match: /cy@/, reply: { code: 452, text: '4.2.2 over quota' } }] });
    const heard = await speak(sink, [
      'LHLO a.example',
      'MAIL FROM:<a@b.example>',
      'RCPT TO:<bob@x.example>',
      'RCPT TO:<cy@x.example>',
      'DATA',
      'Subject: x',
      '',
      'x',
      '.',
    ]);
    expect(heard).toMatch(/354[^\n]*\n250 [^\n]*\n452 4\.2\.2 over quota\r\n/);
    expect(sink.received[0]?.to).toEqual(['bob@x.example']);
  });

  it('offers TLS when told', async () => {
    const sink = await sinkWith({ tls: true });
    await send(sink);
    expect(sink.received[0]?.secure).toBe(true);
  });

  it('counts without keeping, tells its listener, and outlives a peer that vanishes in DATA', async () => {
    const seen: number[] = [];
    const sink = await sinkWith({ keep: false, onMessage: ({ size }) => void seen.push(size) });
    const socket = net.connect(sink.port, sink.host);
    socket.on('error', () => undefined);
    await once(socket, 'data');
    socket.write('HELO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nhalf');
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.resetAndDestroy();
    await send(sink);
    await sink.waitFor(1);
    expect(sink.messages).toBe(1);
    expect(sink.received).toHaveLength(0);
    expect(seen[0]).toBeGreaterThan(100);
    await expect(sink.waitFor(2, 20)).rejects.toThrow('1 of 2');
  });

  it('rejects when its port is taken', async () => {
    const sink = await sinkWith();
    await expect(startSink({ port: sink.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('writes numbered files and Maildirs', async () => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'celeris-sink-'));
    const stores = [await openFolder(path.join(folder, 'eml')), await openMaildir(path.join(folder, 'md'))];
    const sink = await sinkWith({ onMessage: async (message) => void (await Promise.all(stores.map((store) => store(message)))) });
    await send(sink);
    await send(sink);
    expect((await fs.readdir(path.join(folder, 'eml'))).sort()).toEqual(['00000001.eml', '00000002.eml']);
    const [name = ''] = await fs.readdir(path.join(folder, 'md/new'));
    expect(await fs.readFile(path.join(folder, 'md/new', name), 'utf8')).toMatch(
      /^Return-Path: <ann@example.com>\r\nDelivered-To: bob@example.net\r\n/,
    );
    expect(await fs.readdir(path.join(folder, 'md/tmp'))).toEqual([]);
    await fs.rm(folder, { recursive: true });
  });
});
