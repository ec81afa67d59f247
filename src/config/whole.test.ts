import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configure } from './configure.js';
import { textsOf } from './include.js';
import { print } from './print.js';
import { type Reader, readerOf } from './reader.js';
import { renderProblems } from './render.js';
import { configShowRecurse } from './verbs.js';

const folder = fileURLToPath(new URL('../../test/fixtures/config/', import.meta.url));
const reader: Reader = {
  read: (path) => (statSync(folder + path, { throwIfNoEntry: false })?.isFile() ? readFileSync(folder + path, 'utf8') : undefined),
  list: (path) => (statSync(folder + path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder + path) : undefined),
};
const read = await configure('whole.conf', reader, { unread: new Set() });
if (!read.ok) throw new Error(renderProblems(read.problems));
const { snapshot, loaded } = read;

describe('a file with everything', () => {
  it('means what it says', () => {
    expect(snapshot.global).toMatchObject({ retry_interval: 900, max_retries: 'auto', message_expiration: 172_800, connect_timeout: 30 });
    expect(snapshot.global.relay_domains?.has('a.example.test')).toBe(true);
    expect(snapshot.at({ binding: 'acme', domain: 'a/bcc"d' }).max_outbound_connections).toBe(3);
    expect(snapshot.at({ group: 'tenants', domain: 'example.test' })).toMatchObject({ tls: 'required', tls_verify: 'host' });
    const inside = snapshot.inbound({ listener: 'esmtp_listener', listen: '[::1]:587', peerIp: '10.20.0.1' });
    expect(inside).toMatchObject({
      idle_time: 300,
      enable: false,
      max_message_size: 20 * 1024 * 1024,
      context: { zone: 'inside', note: 'no equals sign' },
    });
    expect(inside.authloginparameters).toEqual({ uri: 'digest:///etc/users' });
    const role = snapshot.stanzas('authorization').get('authorization')?.blocks.get('role')?.get('operator');
    expect(role?.options).toEqual({ allow: [/^summary$/, /^config (get|show)/] });
  });

  it('is printed back byte for byte', () => {
    expect([...loaded.files.keys()]).toEqual(['whole.conf', 'conf.d/10-times.conf', 'parts/listen.conf']);
    for (const [path, { tree }] of loaded.files) expect(print(tree)).toBe(readFileSync(folder + path, 'utf8'));
  });

  it('can be read again from its texts alone', async () => {
    const again = await configure('whole.conf', readerOf(textsOf(loaded)), { unread: new Set() });
    expect(again.ok && configShowRecurse(again.snapshot, []).text).toBe(configShowRecurse(snapshot, []).text);
  });

  it('can be read again from what config showrecurse says', async () => {
    const text = configShowRecurse(snapshot, []).text;
    const again = await configure('x', readerOf({ x: text }), { unread: new Set() });
    expect(again.problems.map((p) => p.say)).toEqual([]);
    expect(again.ok && configShowRecurse(again.snapshot, []).text).toBe(text);
  });
});
