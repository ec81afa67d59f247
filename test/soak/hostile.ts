/** Clients that mean no good, one visit each: what they say, and that they go away in the end. */
import { RawClient } from '../harness/client.js';

/** One visit to the daemon's port; resolves when the visitor has gone, and rejects when the daemon did what it must not. */
export type Visit = (port: number) => Promise<void>;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Goes through a greeting and EHLO, does something, closes however that ended. */
async function call(port: number, deed: (client: RawClient) => Promise<void>): Promise<void> {
  const client = await RawClient.connect(port, { timeoutMs: 20_000 });
  try {
    await client.expect(220);
    await client.command('EHLO bad.test', 250);
    await deed(client);
  } finally {
    client.close();
  }
}

async function begin(client: RawClient): Promise<void> {
  await client.command('MAIL FROM:<evil@bad.test>', 250);
  await client.command('RCPT TO:<victim@one.test>', 250);
  await client.command('DATA', 354);
}

const randomBytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => Math.floor(Math.random() * 256)));

/** Every kind by name. None of their messages may ever be accepted: all go to victim@one.test. */
export const VISITS: Readonly<Record<string, Visit>> = {
  // A smuggled second message behind a bare-LF end: whatever the answer is, it is one refusal or an end.
  'bare LF': (port) =>
    call(port, async (client) => {
      await begin(client);
      client.send('Subject: x\r\n\r\ntext\n.\nMAIL FROM:<evil@bad.test>\r\nRCPT TO:<victim@one.test>\r\nDATA\r\n\r\n.\r\n');
      const reply = await client.reply();
      if (reply.code < 400) throw new Error(`bare LF was answered "${reply.raw}"`);
    }),
  garbage: async (port) => {
    const client = await RawClient.connect(port, { timeoutMs: 20_000 });
    for (let i = 0; i < 8 && !client.closed; i++) {
      client.send(randomBytes(2000));
      await sleep(5);
    }
    client.close();
  },
  'long line': (port) =>
    call(port, async (client) => {
      client.send(`NOOP ${'x'.repeat(200_000)}\r\n`);
      const reply = await client.reply();
      if (reply.code < 500 && reply.code !== 421) throw new Error(`200,000 octets of command were answered "${reply.raw}"`);
    }),
  'half-open': async (port) => {
    const client = await RawClient.connect(port);
    client.finish();
    await sleep(500);
    client.close();
  },
  'stops reading': (port) =>
    call(port, async (client) => {
      client.pause();
      client.send('HELP\r\n'.repeat(5000));
      await sleep(500);
      client.reset();
    }),
  oversize: (port) =>
    call(port, async (client) => {
      await client.command('MAIL FROM:<evil@bad.test> SIZE=999999999', 552);
      await begin(client);
      const block = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(256));
      for (let sent = 0; sent < 2_000_000 && !client.closed; sent += block.length) client.send(block);
      client.send('\r\n.\r\n');
      const reply = await client.reply();
      if (reply.code < 500) throw new Error(`2 MB were answered "${reply.raw}"`);
    }),
  'STARTTLS injection': (port) =>
    call(port, async (client) => {
      client.send('STARTTLS\r\nMAIL FROM:<evil@bad.test>\r\nRCPT TO:<victim@one.test>\r\nDATA\r\n');
      await sleep(50);
      if (/\r\n354/.test(client.heard)) throw new Error('commands behind STARTTLS were obeyed');
    }),
  'garbage handshake': (port) =>
    call(port, async (client) => {
      if ((await client.command('STARTTLS')).code !== 220) return;
      client.send(randomBytes(500));
      await sleep(100);
    }),
  'early close': async (port) => {
    const client = await RawClient.connect(port);
    client.close();
  },
  'reset in the message': (port) =>
    call(port, async (client) => {
      await begin(client);
      client.send('Subject: x\r\n\r\nhalf a mess');
      await sleep(5);
      client.reset();
    }),
  'close in the message': (port) =>
    call(port, async (client) => {
      await begin(client);
      client.send('Subject: x\r\n\r\nhalf a message\r\n');
      client.finish();
      await sleep(20);
    }),
  'talks before the greeting': async (port) => {
    const client = await RawClient.connect(port);
    client.send('EHLO bad.test\r\nMAIL FROM:<evil@bad.test>\r\n');
    await sleep(20);
    client.close();
  },
};

/** Holds `count` connections that say an octet now and then, until `stopped` resolves; some in commands, some in the message. */
export async function crawl(port: number, count: number, stopped: Promise<void>): Promise<void> {
  const clients: RawClient[] = [];
  for (let n = 0; n < count; n++) {
    const client = await RawClient.connect(port);
    clients.push(client);
    if (n % 2 === 0) continue;
    await client.expect(220);
    await client.command('EHLO slow.test', 250);
    await begin(client);
  }
  const timer = setInterval(() => {
    for (const client of clients) if (!client.closed) client.send('x');
  }, 700);
  await stopped;
  clearInterval(timer);
  for (const client of clients) client.close();
}
