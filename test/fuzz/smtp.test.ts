/** The session engine under generated input: how a dialogue is cut into packets must not matter, and nothing may bring it down. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, openStage, type Stage } from './smtp-rehearsal.js';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({
    options: {
      smtp_extensions: ['SIZE', 'DSN', 'CHUNKING', 'XFORWARD', 'XREMOTEIP', 'XSETCONTEXT', 'XDUMPCONTEXT', 'XCLIENT'],
      soft_errors: 0,
      hard_errors: 0,
      junk_commands: 1000,
      connections_per_client: 0,
      max_message_size: 2000,
    },
  });
});
afterAll(() => stage.close());

/** Groups of a dialogue: within one everything may be pipelined, between two the client waits for all replies. */
interface Group {
  readonly text: string;
  /** Replies it gets. */
  readonly replies: number;
}

const commands = fc.constantFrom(
  'NOOP\r\n',
  'RSET\r\n',
  'VRFY x\r\n',
  'FOO bar\r\n',
  'MAIL FROM:<a@b.test>\r\n',
  'MAIL FROM:<broken\r\n',
  'MAIL FROM:<> SIZE=99999\r\n',
  'RCPT TO:<c@d.test>\r\n',
  'RCPT TO:<e@f.test> NOTIFY=NEVER\r\n',
  'RCPT TO:<e@f.test> FOO=1\r\n',
  'NO\0OP\r\n',
  'NOOP\n',
  `NOOP ${'x'.repeat(2100)}\r\n`,
  'BDAT 8\r\na: b\r\n\r\n',
  'BDAT 0\r\n',
  'BDAT 14\r\nQUIT\r\nRSET\r\nxy',
  'BDAT 5 LAST\r\nend\r\n',
  'HELP\r\n',
  'XFORWARD NAME=a ADDR=192.0.2.1\r\n',
  'XFORWARD FOO=a\r\n',
  'XSETCONTEXT a=b+20c\r\n',
  'XDUMPCONTEXT\r\n',
  'XREMOTEIP 127.0.0.1\r\n',
);
const group = fc.array(commands, { minLength: 1, maxLength: 12 }).map((texts): Group => ({ text: texts.join(''), replies: texts.length }));
const content = fc.constantFrom(
  'a: b\r\n\r\nbody\r\n.\r\n',
  'a: b\r\n\r\n..dot\r\n...\r\n.\r\n',
  'no header\r\n.\r\n',
  `a: b\r\n\r\n${'long body\r\n'.repeat(250)}.\r\n`,
);
const message = content.map((text): readonly Group[] => [
  { text: 'RSET\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n', replies: 4 },
  { text, replies: 1 },
]);
const dialogue = fc
  .array(
    fc.oneof(
      group.map((g) => [g]),
      message,
    ),
    { maxLength: 5 },
  )
  .map((parts): readonly Group[] => [{ text: 'EHLO client.test\r\n', replies: 1 }, ...parts.flat()]);

async function hold(client: Client, groups: readonly Group[], cut: (text: string) => readonly string[]): Promise<string[]> {
  const heard: string[] = [];
  for (const { text, replies } of groups) {
    for (const piece of cut(text)) {
      client.say(piece);
      // Each piece is read on its own.
      await new Promise((done) => setImmediate(done));
      await new Promise((done) => setImmediate(done));
    }
    for (let n = 0; n < replies; n++) heard.push(await client.hear());
  }
  client.socket.destroy();
  return heard;
}

const cutAt = (sizes: readonly number[]) => (text: string) => {
  const pieces: string[] = [];
  let at = 0;
  for (let n = 0; at < text.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
};

describe('the session engine', () => {
  it('gives the same replies however a group is cut into packets', async () => {
    await fc.assert(
      fc.asyncProperty(dialogue, fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }), async (groups, sizes) => {
        const { kept } = stage.reception;
        const whole = await hold(await stage.dial(), groups, (text) => [text]);
        const one = kept.splice(0);
        const pieces = await hold(await stage.dial(), groups, cutAt(sizes));
        const two = kept.splice(0);
        expect(pieces).toEqual(whole);
        expect(two).toEqual(one.map((each) => ({ ...each, facts: expect.anything() as unknown })));
      }),
      { numRuns: 120 },
    );
    expect(stage.reception.errors).toEqual([]);
  }, 60_000);

  it('survives any octets, and ends the session or answers', async () => {
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(
          fc.oneof(
            commands,
            fc.constantFrom(
              'DATA\r\n',
              'STARTTLS\r\n',
              'EHLO x\r\n',
              '\r\n.\r\n',
              'BDAT 9999\r\n',
              'QUIT\r\n',
              '\x16\x03\x01',
              'AUTH PLAIN x\r\n',
            ),
          ),
        )
        .map((texts) => Buffer.from(texts.join(''), 'latin1')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(junk, { maxLength: 6 }), async (pieces) => {
        const client = await stage.dial();
        for (const piece of pieces) {
          client.say(piece);
          await new Promise((done) => setImmediate(done));
        }
        client.socket.end();
        const rest = await client.rest();
        expect(rest).toMatch(/^(?:\d{3}[ -][^\r\n]*\r\n)*$/);
      }),
      { numRuns: 150 },
    );
    expect(stage.reception.errors).toEqual([]);
    await expect.poll(() => stage.service.sessions).toBe(0);
  }, 60_000);
});
