/** The files of the machine: read at once, read again when they change, missed without harm. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openResolver } from '../../src/dns/open.js';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';

const never = new AbortController().signal;
const settings = () => ({ minTtlSeconds: 0, maxTtlSeconds: 3600, tcpFallback: true, purgeSeconds: 60 });

describe('files of the machine', () => {
  it('count as they are on the disk', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-dns-'));
    const [first, second, hostsFile] = ['resolv.conf', 'other.conf', 'hosts'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    fs.writeFileSync(first, 'nameserver 192.0.2.1\nbanana\n');
    fs.writeFileSync(second, 'nameserver 192.0.2.2\n');
    fs.writeFileSync(hostsFile, '10.0.0.1 relay.example\n');
    const clock = new VirtualClock();
    const notices: string[] = [];
    let option = first;
    const { resolver, conf } = openResolver({ clock, resolvConf: () => option, settings, notice: (text) => notices.push(text), hostsFile });
    const ipOf = async (): Promise<unknown> => {
      const answer = await resolver.addresses('relay.example', { v4: true, v6: false }, never);
      return answer.kind === 'found' ? answer.records[0]?.ip : answer.kind;
    };
    try {
      expect([conf().servers[0]?.ip, notices]).toEqual(['192.0.2.1', ['resolv.conf: ignored: banana']]);
      expect(await ipOf()).toBe('10.0.0.1');
      fs.writeFileSync(hostsFile, '10.0.0.22 relay.example\n');
      fs.writeFileSync(first, 'nameserver 192.0.2.11\n');
      expect([conf().servers[0]?.ip, await ipOf()]).toEqual(['192.0.2.1', '10.0.0.1']);
      await clock.advance(5001);
      expect([conf().servers[0]?.ip, await ipOf()]).toEqual(['192.0.2.11', '10.0.0.22']);
      option = second;
      expect(conf().servers[0]?.ip).toBe('192.0.2.2');
      fs.rmSync(second);
      await clock.advance(5001);
      expect(conf().servers).toEqual([{ ip: '127.0.0.1', port: 53 }]);
      expect(notices.at(-1)).toContain('cannot be read');
      const seen = notices.length;
      await clock.advance(5001);
      conf();
      expect(notices).toHaveLength(seen);
    } finally {
      resolver.close();
      fs.rmSync(folder, { recursive: true });
    }
  });
});
