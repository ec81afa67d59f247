import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';
import { renderProblems } from './render.js';
import type { Snapshot } from './snapshot.js';

async function take(text: string): Promise<Snapshot> {
  const read = await configureText(text, { unread: new Set() });
  if (!read.ok) throw new Error(renderProblems(read.problems));
  return read.snapshot;
}

const OUTBOUND = `
  Retry_Interval = 1
  Domain "d.test" { Retry_Interval = 2 }
  Binding_Group "g" {
    Retry_Interval = 3
    Domain "d.test" { Retry_Interval = 5 }
    Binding "b" { Retry_Interval = 4  Domain "d.test" { Retry_Interval = 7 } }
    Binding "c" { Retry_Interval = 14 }
  }
  Binding "b" { Domain "d.test" { Retry_Interval = 6 } }
`;
const PATH = [
  'binding_group g > binding b > domain d.test',
  'binding b > domain d.test',
  'binding_group g > domain d.test',
  'binding_group g > binding b',
  'binding b',
  'binding_group g',
  'domain d.test',
  'global',
];

describe('fallback of sending', () => {
  it('goes BG::B::D, B::D, BG::D, BG::B, B, BG, D, global', async () => {
    const snapshot = await take(OUTBOUND);
    expect(snapshot.chain({ group: 'g', binding: 'b', domain: 'd.test' }).map((scope) => scope.key)).toEqual(PATH);
  });

  it('takes the first that sets the option, down to the default', async () => {
    const where = { group: 'g', binding: 'b', domain: 'd.test' };
    let text = OUTBOUND;
    const seen: unknown[] = [];
    for (const value of [7, 6, 5, 4, 3, 2, 1]) {
      seen.push((await take(text)).at(where).retry_interval);
      text = text.replace(`Retry_Interval = ${value}\n`, '\n').replace(`Retry_Interval = ${value} `, '');
    }
    seen.push((await take(text)).at(where).retry_interval);
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1, 1200]);
  });

  it('does not look into other groups and bindings', async () => {
    const snapshot = await take(OUTBOUND);
    const retry = (group: string | undefined, binding: string | undefined, domain?: string): number =>
      snapshot.at({ group, binding, domain }).retry_interval;
    expect([
      retry('g', 'c', 'd.test'),
      retry('g', 'c'),
      retry('g', undefined),
      retry('x', 'c'),
      retry(undefined, undefined, 'd.test'),
    ]).toEqual([5, 14, 3, 14, 2]);
    expect(retry('default', 'default', 'd.test')).toBe(2);
    expect(retry('default', 'default', 'e.test')).toBe(1);
  });

  it('finds the group of a binding that is named alone, unless it stands alone too', async () => {
    const snapshot = await take(OUTBOUND);
    expect(snapshot.at({ binding: 'c' }).retry_interval).toBe(14);
    expect(snapshot.groupOf('c')).toBe('g');
    expect(snapshot.chain({ binding: 'b' }).map((s) => s.key)).toEqual(['binding b', 'global']);
  });

  it('takes the exact name first, then patterns in the order of the file, case apart', async () => {
    const snapshot = await take(`
      Domain "/\\.test$/" { Retry_Interval = 1  Max_Retries = 1  Connect_Timeout = 1 }
      Domain "/^mail/" { Retry_Interval = 2  Max_Retries = 2  Connect_Timeout = 2 }
      Domain "Mail.Test" { Retry_Interval = 3 }
      Domain /^a.c$/ { Connect_Timeout = 7 }
    `);
    expect(snapshot.at({ domain: 'mail.test' })).toMatchObject({ retry_interval: 3, max_retries: 1, connect_timeout: 1 });
    expect(snapshot.at({ domain: 'MAIL.TEST' }).retry_interval).toBe(3);
    expect(snapshot.at({ domain: 'mail.example' })).toMatchObject({ retry_interval: 2, max_retries: 2 });
    expect(snapshot.at({ domain: 'abc' }).connect_timeout).toBe(7);
    expect(snapshot.chain({ domain: 'mail.test' }).map((s) => s.key)).toEqual([
      'domain mail.test',
      'domain /\\.test$/',
      'domain /^mail/',
      'global',
    ]);
  });

  it('looks at patterns of one container before the next container', async () => {
    const snapshot = await take('Domain "x.test" { Retry_Interval = 1 } Binding b { Domain "/x/" { Retry_Interval = 2 } }');
    expect(snapshot.at({ binding: 'b', domain: 'x.test' }).retry_interval).toBe(2);
  });

  it('takes address literals as names', async () => {
    expect((await take('Domain "[192.0.2.1]" { Retry_Interval = 1 }')).at({ domain: '[192.0.2.1]' }).retry_interval).toBe(1);
  });

  it('tells unset from none, and says which scope a shared limit is written in', async () => {
    const snapshot = await take(`
      Outbound_Throttle_Messages = 100
      Binding_Group g { Outbound_Throttle_Messages = "20/60"  Binding a { }  Binding b { Outbound_Throttle_Messages = 0 } }
    `);
    const found = (binding: string): unknown[] => {
      const { value, scopeKey, line } = snapshot.find('outbound_throttle_messages', { binding, domain: 'x' });
      return [value, scopeKey, line, snapshot.scopeKey('outbound_throttle_messages', { binding, domain: 'x' })];
    };
    expect(found('a')).toEqual([{ count: 20, seconds: 60 }, 'binding_group g', 3, 'binding_group g']);
    expect(found('b')).toEqual(['none', 'binding_group g > binding b', 3, 'binding_group g > binding b']);
    expect(found('elsewhere')).toEqual([{ count: 100, seconds: 1 }, 'global', 2, 'global']);
    expect(snapshot.find('outbound_throttle_connections', {})).toEqual({ value: undefined, scopeKey: 'default' });
    expect(snapshot.scopeKey('max_retries', {})).toBe('default');
  });
});

describe('fallback of hosts', () => {
  const text = `
    Max_Outbound_Connections = 5  Cluster_Max_Outbound_Connections = 50
    Host "mx.test" { Max_Outbound_Connections = 10 }
    Host "/^mx/" { Max_Outbound_Connections = 11  Cluster_Scope_Max_Outbound_Connections = 4 }
    Binding_Group g { Host mx.test { Max_Outbound_Connections = 12 } Binding b { Host mx.test { } Cluster_Max_Outbound_Connections = 60 } }
    Binding c { Host mx.test { Max_Outbound_Connections = 13 } }
  `;

  it('goes BG::B::H, B::H, BG::H, H and no further', async () => {
    const snapshot = await take(text);
    const limit = (name: string, where?: object): number => snapshot.host(name, where).max_outbound_connections;
    expect([limit('mx.test'), limit('mx2.test'), limit('other.test')]).toEqual([10, 11, -1]);
    expect([
      limit('MX.test', { group: 'g', binding: 'b' }),
      limit('mx.test', { binding: 'c' }),
      limit('mx9', { group: 'g', binding: 'b' }),
    ]).toEqual([12, 13, 11]);
    expect(snapshot.find('max_outbound_connections', { host: 'other.test' })).toEqual({ value: -1, scopeKey: 'default' });
    expect(snapshot.chain({ host: 'mx.test', binding: 'c' }).map((s) => s.key)).toEqual([
      'binding c > host mx.test',
      'host mx.test',
      'host /^mx/',
    ]);
    expect(snapshot.find('max_outbound_connections', { host: 'mx.test' })).toMatchObject({ value: 10, scopeKey: 'host mx.test', line: 3 });
  });

  it('lets limits of the cluster go on to wider scopes', async () => {
    const snapshot = await take(text);
    expect(snapshot.host('mx.test', { group: 'g', binding: 'b' })).toEqual({
      max_outbound_connections: 12,
      cluster_max_outbound_connections: 60,
      cluster_scope_max_outbound_connections: 4,
    });
    expect(snapshot.host('other.test').cluster_max_outbound_connections).toBe(50);
    expect(snapshot.host('other.test')).toBe(snapshot.host('other.test'));
  });
});

describe('fallback of receiving', () => {
  const text = `
    Relay_Hosts = ( 127.0.0.0/8 )
    Max_Hops = 1
    Pathway_Group pg { Max_Hops = 3  Soft_Errors = 3  Hard_Errors = 3  Pathway inside { Max_Hops = 4 } Pathway rare { Max_Hops = 44 } }
    Pathway inside { Soft_Errors = 5  Max_Hops = 5 }
    Pathway alone { }
    ESMTP_Listener {
      Max_Hops = 2  Pathway = inside  Idle_Time = 2  Junk_Commands = 2  Data_Timeout = 2
      Peer 10.0.0.0/8 { Idle_Time = 7  Data_Timeout = 7  Open_Relay = true }
      Peer 10.1.0.0/16 { Idle_Time = 8 }
      Peer 2001:db8::/32 { Idle_Time = 9 }
      Peer 127.0.0.1 { Idle_Time = 10 }
      Listen ":25" { Data_Timeout = 6  Peer 10.0.0.0/8 { Junk_Commands = 60 }  Peer 10.9.0.0/16 { Pathway = rare } }
      Listen "/run/smtp" { }
    }
    ESMTP_Listener second { Max_Hops = 22  Listen ":26" { } }
  `;
  const at = (listen: string, peerIp?: string): { listener: string; listen: string; peerIp: string | undefined } => ({
    listener: 'esmtp_listener',
    listen,
    peerIp,
  });

  it('goes listen::peer, listener::peer, listen, pathway, listener, global', async () => {
    const snapshot = await take(text);
    expect(snapshot.chain(at(':25', '10.1.1.1')).map((s) => s.key)).toEqual([
      'esmtp_listener > listen 0.0.0.0:25 > peer 10.0.0.0/8',
      'esmtp_listener > peer 10.1.0.0/16',
      'esmtp_listener > listen 0.0.0.0:25',
      'pathway_group pg > pathway inside',
      'pathway inside',
      'pathway_group pg',
      'esmtp_listener',
      'global',
    ]);
    expect(snapshot.inbound(at(':25', '10.1.1.1'))).toMatchObject({
      junk_commands: 60,
      idle_time: 8,
      data_timeout: 6,
      max_hops: 4,
      soft_errors: 5,
      hard_errors: 3,
    });
    expect(snapshot.inbound(at(':25', '10.1.1.1')).relay_hosts?.has('127.0.0.1')).toBe(true);
  });

  it('takes the longest prefix only', async () => {
    const snapshot = await take(text);
    expect([snapshot.inbound(at(':25', '10.1.1.1')).open_relay, snapshot.inbound(at(':25', '10.2.1.1')).open_relay]).toEqual([false, true]);
    expect(snapshot.inbound(at(':25', '2001:db8::1')).idle_time).toBe(9);
    expect(snapshot.inbound(at(':25', '::ffff:10.1.0.1')).idle_time).toBe(8);
    expect(snapshot.inbound(at(':25', '192.0.2.1')).idle_time).toBe(2);
    expect(snapshot.inbound(at(':25', 'nonsense')).idle_time).toBe(2);
  });

  it('takes clients of a unix socket as loopback', async () => {
    const snapshot = await take(text);
    expect([snapshot.inbound(at('/run/smtp', '')).idle_time, snapshot.inbound(at('/run/smtp')).idle_time]).toEqual([10, 10]);
  });

  it('chooses the pathway by the most specific scope, or as told', async () => {
    const snapshot = await take(text);
    expect(snapshot.inbound(at(':25', '10.9.1.1')).max_hops).toBe(44);
    expect(snapshot.pathwayOf(at(':25', '10.9.1.1'))).toEqual({ pathway: 'rare', group: 'pg' });
    expect(snapshot.inbound({ ...at(':25', '192.0.2.1'), pathway: 'rare' }).max_hops).toBe(44);
    expect(snapshot.inbound({ ...at(':25', '192.0.2.1'), pathway: 'nobody' }).max_hops).toBe(2);
    expect(snapshot.pathwayOf({ listener: 'esmtp_listener second', listen: ':26' })).toBeUndefined();
    expect(snapshot.pathwayOf({ listener: 'esmtp_listener second', pathway: 'alone' })).toEqual({ pathway: 'alone', group: undefined });
  });

  it('knows listeners apart, and falls to global for unknown ones', async () => {
    const snapshot = await take(text);
    expect(snapshot.inbound({ listener: 'esmtp_listener second', listen: ':26' }).max_hops).toBe(22);
    expect(snapshot.inbound({ listener: 'nobody', listen: ':26', peerIp: '10.0.0.1' }).max_hops).toBe(1);
    expect(snapshot.inbound({ listener: 'esmtp_listener' }).max_hops).toBe(4);
  });

  it('answers for a pathway itself', async () => {
    const snapshot = await take(text);
    expect(snapshot.chain({ pathway: 'inside' }).map((s) => s.key)).toEqual([
      'pathway_group pg > pathway inside',
      'pathway inside',
      'pathway_group pg',
      'global',
    ]);
    expect(snapshot.find('max_hops', { pathway: 'rare', pathwayGroup: 'pg' })).toMatchObject({ value: 44 });
    expect(snapshot.find('max_hops', { pathway: 'rare', pathwayGroup: 'other' })).toMatchObject({ value: 1, scopeKey: 'global' });
  });
});
