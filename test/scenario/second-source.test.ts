/** Two source addresses of one binding, one a family: each host sees the one of its own. */
import fs from 'node:fs';
import path from 'node:path';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { SMTPServer } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import { NameServerAt, type Question } from '../dns/name-server.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { freePort, plainConf } from '../harness/place.js';

const HOSTS: Readonly<Record<string, Answer>> = {
  'AAAA six.test': { type: 'AAAA', name: 'six.test', ttl: 60, data: '::1' },
  'A four.test': { type: 'A', name: 'four.test', ttl: 60, data: '127.0.0.3' },
};
const answer = (question: Question): void => {
  const asked = decode(question.query) as Packet & { id: number };
  const known = HOSTS[`${question.type} ${question.name}`];
  question.send(encode({ type: 'response', id: asked.id, flags: 0x0180, questions: asked.questions ?? [], answers: known ? [known] : [] }));
};

/** Servers on one port of both families that note who came. */
async function startHosts(port: number) {
  const callers: string[] = [];
  const servers = ['::1', '127.0.0.3'].map((host) => {
    const server = new SMTPServer({
      authOptional: true,
      disableReverseLookup: true,
      logger: false,
      onConnect({ remoteAddress }, done) {
        callers.push(`${host} ${remoteAddress}`);
        done();
      },
      onData(stream, _session, done) {
        stream.resume();
        stream.on('end', () => done());
      },
    });
    server.on('error', () => {});
    return new Promise<SMTPServer>((ready) => server.listen(port, host, () => ready(server)));
  });
  const open = await Promise.all(servers);
  return {
    callers,
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all(open.map((server) => new Promise<void>((done) => server.close(() => done()))))),
  };
}

describe('bind_address_secondary', () => {
  it.each([
    ['with it', 'bind_address_secondary { }\nbind_address_secondary = "::1"\n', ['127.0.0.3 127.0.0.2', '::1 ::1'], ['D', 'D']],
    ['without it', '', ['127.0.0.3 127.0.0.2'], ['D', 'T']],
  ])('%s', async (_, more, callers, outcomes) => {
    const names = await NameServerAt.open(answer);
    const port = await freePort('::1');
    await using hosts = await startHosts(port);
    await using daemon = await startDaemon({
      conf: (place) => {
        fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${names.port}\n`);
        return `${plainConf(place)}\nresolv_conf = "${place.dir}/resolv.conf"\ndeliver_to_private = true\nuse_ipv6 = true\nipv6_lookup { }\nremote_smtp_port = ${port}\nbind_address = "127.0.0.2"\n${more}`;
      },
    });
    try {
      const client = await RawClient.connect(daemon.port);
      await client.expect(220);
      await client.command('EHLO client.test', 250);
      for (const to of ['x@four.test', 'x@six.test']) expect((await client.deliver('', [to], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
      await client.command('QUIT', 221);
      const ends = (): string[] =>
        daemon
          .fileLines('mainlog.ec')
          .map((line) => line.split('@')[4] ?? '')
          .filter((type) => type === 'D' || type === 'T');
      await daemon.waitFor('two ends', () => ends().length === 2);
      expect(ends().sort()).toEqual(outcomes);
      expect([...hosts.callers].sort()).toEqual(callers);
    } finally {
      await names.close();
    }
  });
});
