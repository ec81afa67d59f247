/** The session engine under generated input: nothing may bring it down. How input is cut into packets is the matter of splitting.test.ts. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from './session-script.js';
import { openStage, type Stage } from './smtp-rehearsal.js';

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

describe('the session engine', () => {
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
