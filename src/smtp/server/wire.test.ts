/** What the wire bounds: input held back, replies not fetched, mistakes of our own; and unix sockets. */
import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, openStage, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});
const patient = { soft_errors: 0, hard_errors: 0, junk_commands: 1_000_000 };

describe('a wire', () => {
  it('leaves input to the kernel while an answer is awaited, and loses none of it', async () => {
    let answer: (() => void) | undefined;
    stage = await openStage({
      options: patient,
      before: (r) => {
        r.answers.mailFrom = () =>
          new Promise((done) => {
            answer = () => done(undefined);
          });
      },
    });
    const client = await stage.dial();
    await client.ask('EHLO x\r\n');
    const count = 20_000;
    client.say(`MAIL FROM:<a@b.test>\r\n${`NOOP ${'x'.repeat(1000)}\r\n`.repeat(count)}`);
    await expect.poll(() => answer).toBeDefined();
    await new Promise((done) => setTimeout(done, 100));
    // Not all of it has left the client: nobody here took it in.
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(stage.reception.commands).toHaveLength(1);
    answer?.();
    expect(await client.hear()).toBe('250 2.0.0 MAIL FROM accepted');
    for (let n = 0; n < 1000; n++) expect(await client.hear()).toBe('250 2.0.0 OK');
    await expect.poll(() => stage?.reception.commands.length, { timeout: 10_000 }).toBe(count + 2);
    expect(stage.reception.told).toEqual([]);
  });

  it('reads no more from a client that does not fetch its replies', async () => {
    stage = await openStage({ options: patient });
    const client = await stage.dial();
    await client.ask('EHLO x\r\n');
    client.socket.pause();
    const count = 1_000_000;
    client.say('HELP\r\n'.repeat(count));
    await new Promise((done) => setTimeout(done, 500));
    const { commands } = stage.reception;
    const stalled = commands.length;
    expect(stalled).toBeLessThan(count);
    await new Promise((done) => setTimeout(done, 200));
    expect(commands.length).toBe(stalled);
    client.socket.resume();
    await expect.poll(() => commands.length, { timeout: 15_000 }).toBe(count + 1);
  });

  it('cuts a session that a mistake of ours broke, and no other', async () => {
    stage = await openStage();
    const one = await stage.dial();
    const two = await stage.dial();
    stage.reception.command = () => {
      throw new Error('a mistake');
    };
    one.say('NOOP\r\n');
    expect(await one.rest()).not.toContain('a mistake');
    expect(stage.reception.errors).toHaveLength(1);
    stage.reception.command = () => undefined;
    expect(await two.ask('NOOP\r\n')).toMatch(/^250/);
    await expect.poll(() => stage?.service.sessions).toBe(1);
  });

  it('forgets a tarpit whose client left', async () => {
    stage = await openStage({ before: (r) => (r.answers.mailFrom = () => ({ do: 'accept', tarpitSeconds: 300 })) });
    const client = await stage.dial();
    await client.ask('EHLO x\r\n');
    client.say('MAIL FROM:<a@b.test>\r\n');
    await expect.poll(() => stage?.service.sessions).toBe(1);
    client.close();
    await expect.poll(() => stage?.reception.told).toEqual(['reset', 'closed']);
  });

  it('serves a unix socket, whose client has no address', async () => {
    stage = await openStage({ options: { connections_per_client: 1 } });
    const { service, reception } = stage;
    const path = join(mkdtempSync(join(tmpdir(), 'celeris-wire-')), 's');
    const server = net.createServer({ allowHalfOpen: true }, (socket) =>
      service.accept(socket, { stanza: 'esmtp_listener', listen: path, lmtp: false }),
    );
    await new Promise<void>((done) => server.listen(path, done));
    const peers: unknown[] = [];
    reception.answers.connect = (session) => void peers.push(session.peer, session.local, session.listener);
    for (let n = 0; n < 2; n++) {
      const client = new Client(net.connect(path));
      expect(await client.hear()).toMatch(/^220/);
      expect(await client.ask('EHLO x\r\n')).toContain('says EHLO to localhost');
    }
    expect(peers.slice(0, 3)).toEqual([{ ip: '', port: 0 }, { ip: '', port: 0 }, path]);
    server.close();
  });
});
