/** Options of the name service, from the configuration to the questions on the wire. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type DecodedPacket, decode, encode } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { snapshotOf } from '../../test/chaos/room.js';
import { NameServerAt } from '../../test/dns/name-server.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { rehearse } from '../module/fixture.js';
import { makeRouter, type Routing } from './router.js';

/** Notes the timers it is asked for. */
class NotingClock extends VirtualClock {
  readonly waits: number[] = [];
  override after(ms: number, run: () => void) {
    this.waits.push(ms);
    return super.after(ms, run);
  }
}

let folder: string;
let server: NameServerAt;
let made: Routing | undefined;
beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-router-'));
  server = await NameServerAt.open(({ query, tcp, name, send }) => {
    const { id, questions } = decode(query) as DecodedPacket & { id: number };
    const answers = [{ type: 'MX', name, ttl: 100, data: { preference: 10, exchange: 'mx.one.test' } } as const];
    send(encode({ type: 'response', id, flags: tcp ? 0x0180 : 0x0380, questions: questions ?? [], answers }));
  });
  fs.writeFileSync(path.join(folder, 'resolv.conf'), `nameserver 127.0.0.1:${server.port}\n`);
});
afterEach(async () => {
  await made?.tls.close();
  await server.close();
  fs.rmSync(folder, { recursive: true });
});

async function open(config: string) {
  const clock = new NotingClock();
  const snapshot = await snapshotOf(`resolv_conf = "${path.join(folder, 'resolv.conf')}"\n${config}`);
  const { registry } = rehearse();
  made = makeRouter({
    clock,
    snapshot: () => snapshot,
    chains: () => registry.current.hooks.chains,
    isSelf: () => false,
    root: folder,
    hostname: () => 'celeris.test',
    leads: () => true,
    inject: () => Promise.reject(new RangeError('nothing is sent here')),
    log: () => {},
  });
  return { clock, ...made };
}

describe('name service', () => {
  it.each([
    ['', [false, true], 100],
    ['dns_fallback_to_tcp = false', [false], 5],
    ['min_dns_ttl = 200', [false, true], 200],
    ['max_dns_ttl = 50', [false, true], 50],
  ])('"%s": a cut answer is asked for over TCP %j and believed for %i s', async (config, tcp, ttlSeconds) => {
    const { resolver } = await open(config);
    const answer = await resolver.mx('one.test', AbortSignal.timeout(5000));
    expect(answer).toMatchObject({ kind: 'found', ttlSeconds });
    expect(server.asked.map((question) => question.tcp)).toEqual(tcp);
  });

  it.each([
    ['', 0],
    ['dns_cache_purge_interval = 7', 1],
  ])('"%s": old answers are thrown out every 7 s: %i timers', async (config, count) => {
    const { clock } = await open(config);
    expect(clock.waits.filter((wait) => wait === 7000)).toHaveLength(count);
  });
});
