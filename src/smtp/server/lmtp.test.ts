/** LMTP (RFC 2033), and bodies that do not stay in memory, over sockets. */
import { afterEach, describe, expect, it } from 'vitest';
import { openData, openStage, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';
import { reply } from '../../mail/reply.js';
import { ResidentBody } from '../../module/copy.js';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

describe('LMTP', () => {
  it('answers for every recipient in order', async () => {
    stage = await openStage({
      lmtp: true,
      before: (r) => (r.answerMessage = async () => [reply(250, '2.0.0', 'one'), reply(452, '4.2.2', 'two')]),
    });
    const client = await stage.dial();
    expect(await client.ask('EHLO x\r\n')).toMatch(/^500/);
    expect(await client.ask('LHLO x\r\n')).toContain('says LHLO to');
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    await client.ask('RCPT TO:<one@d.test>\r\n');
    await client.ask('RCPT TO:<two@d.test>\r\n');
    await client.ask('DATA\r\n');
    expect(await client.ask('a: b\r\n\r\n.\r\n')).toBe('250 2.0.0 one');
    expect(await client.hear()).toBe('452 4.2.2 two');
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    await client.ask('RCPT TO:<one@d.test>\r\n');
    await client.ask('RCPT TO:<two@d.test>\r\n');
    await client.ask('DATA\r\n');
    expect(await client.ask('a: b\r\n\r\nlone\nlf\r\n.\r\n')).toMatch(/^550 5\.6\.0/);
    expect(await client.hear()).toMatch(/^550 5\.6\.0/);
  });

  it('is not spoken on an SMTP listener', async () => {
    stage = await openStage();
    const client = await stage.dial();
    expect(await client.ask('LHLO x\r\n')).toMatch(/^500/);
  });
});

describe('a large body', () => {
  it('goes to the store, and the client is held while the store is busy', async () => {
    let most = 0;
    let waiting = 0;
    const slices: Buffer[] = [];
    stage = await openStage({
      largeBodyBytes: 10_000,
      before: (r) => {
        r.largeBody = async () => ({
          write: async (chunk) => {
            waiting += chunk.length;
            most = Math.max(most, waiting);
            await new Promise((done) => setTimeout(done, 1));
            waiting -= chunk.length;
            slices.push(Buffer.from(chunk));
          },
          finish: async ({ dots, eightBit }) => {
            const all = Buffer.concat(slices);
            return new ResidentBody([all], all.length, dots, eightBit);
          },
          abandon: async () => undefined,
        });
      },
    });
    const client = await stage.dial();
    await openData(client);
    const body = '.a line of the body\r\n'.repeat(100_000);
    client.say(`a: b\r\n\r\n${body.replaceAll('\n.', '\n..').replace(/^\./, '..')}.\r\n`);
    expect(await client.hear()).toBe('250 2.0.0 OK kept');
    expect(stage.reception.kept[0]?.body === body).toBe(true);
    expect(stage.reception.kept[0]?.dots).toBe(true);
    expect(most).toBeLessThan(400_000);
    expect(slices.length).toBeGreaterThan(10);
  });

  it('also by BDAT, with the next command behind it', async () => {
    const slices: Buffer[] = [];
    stage = await openStage({
      largeBodyBytes: 1000,
      before: (r) => {
        r.largeBody = async () => ({
          write: async (chunk) => void slices.push(Buffer.from(chunk)),
          finish: async ({ dots, eightBit }) => new ResidentBody([Buffer.concat(slices)], 1, dots, eightBit),
          abandon: async () => undefined,
        });
      },
    });
    const client = await stage.dial();
    await client.ask('EHLO x\r\n');
    await client.ask('MAIL FROM:<a@b.test>\r\n');
    await client.ask('RCPT TO:<c@d.test>\r\n');
    const half = 'body line\r\n'.repeat(5000);
    client.say(`BDAT ${half.length + 8}\r\na: b\r\n\r\n${half}BDAT ${half.length} LAST\r\n${half}NOOP\r\n`);
    expect(await client.hear()).toBe('250 2.0.0 chunk accepted');
    expect(await client.hear()).toBe('250 2.0.0 OK kept');
    expect(await client.hear()).toBe('250 2.0.0 OK');
    expect(stage.reception.kept[0]?.body === half + half).toBe(true);
  });

  it('a store that fails ends the session with 421 and nothing is kept', async () => {
    let abandoned = 0;
    stage = await openStage({
      largeBodyBytes: 1000,
      before: (r) => {
        r.largeBody = async () => ({
          write: () => Promise.reject(new Error('disk')),
          finish: () => Promise.reject(new Error('disk')),
          abandon: async () => void abandoned++,
        });
      },
    });
    const client = await stage.dial();
    await openData(client);
    client.say(`a: b\r\n\r\n${'line\r\n'.repeat(5000)}`);
    expect(await client.hear()).toMatch(/^421 4\.3\.0/);
    expect(abandoned).toBe(1);
    expect(stage.reception.kept).toHaveLength(0);
    expect(stage.reception.errors).toHaveLength(1);
  });
});

describe('many idle connections', () => {
  it('cost little memory and no timer each', async () => {
    stage = await openStage({ options: { connections_per_client: 0 } });
    const { service, dial } = stage;
    await dial();
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const clients = await Promise.all(Array.from({ length: 1000 }, () => dial()));
    expect(service.sessions).toBe(1001);
    const each = (process.memoryUsage().heapUsed - before) / 1000;
    // Both ends live in this process: server and client socket, session, client.
    expect(each).toBeLessThan(40_000);
    expect(await clients[999]?.ask('NOOP\r\n')).toMatch(/^250/);
  });
});
