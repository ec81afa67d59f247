import { describe, expect, expectTypeOf, it } from 'vitest';
import { configureText } from './configure.js';
import type { Throttle } from './kinds/number.js';
import { MatchCache } from './match-cache.js';
import type { Networks } from './networks.js';
import { renderProblems } from './render.js';
import type { GlobalValues, HostValues, InboundValues, OutboundValues, Snapshot } from './snapshot.js';

async function take(text: string): Promise<Snapshot> {
  const read = await configureText(text, { unread: new Set(), number: 7 });
  if (!read.ok) throw new Error(renderProblems(read.problems));
  return read.snapshot;
}

const EXAMPLE = `
Relay_Hosts = ( 127.0.0.0/8 ::1 10.20.0.0/16 )
Message_Expiration = 172800
Security { User = mail  Supplemental_Groups = ( ssl ) }
ThreadPool "io" { Concurrency = 4 }
Binding_Group "tenants" {
  Binding "acme" { Bind_Address = 192.0.2.10  Domain "/^(slow|picky)\\.test$/" { Max_Outbound_Connections = 2 } }
  Binding "bolt" { }
}
Binding "alone" { }
ESMTP_Listener {
  Peer 10.20.0.0/16 { Open_Relay = true  Context = [ zone = "inside" ] }
  Listen ":25"  { SMTP_Extensions = ( ENHANCEDSTATUSCODES STARTTLS ) }
}
Control_Listener { Listen "/tmp/2025" { File_Mode = 0660 } }
`;

describe('Snapshot', () => {
  it('gives the values of every scope, frozen through', async () => {
    const snapshot = await take(EXAMPLE);
    expect(snapshot.number).toBe(7);
    expect(snapshot.global.message_expiration).toBe(172_800);
    const inside = snapshot.inbound({ listener: 'esmtp_listener', listen: ':25', peerIp: '10.20.1.1' });
    expect(inside).toMatchObject({
      open_relay: true,
      context: { zone: 'inside' },
      smtp_extensions: ['ENHANCEDSTATUSCODES', 'STARTTLS'],
      max_message_size: 10_485_760,
    });
    for (const values of [
      snapshot.global,
      snapshot.at({ binding: 'acme', domain: 'slow.test' }),
      inside,
      inside.context,
      inside.smtp_extensions,
      inside.relay_hosts,
    ]) {
      expect(Object.isFrozen(values)).toBe(true);
    }
  });

  it('gives one object for all who match the same scopes', async () => {
    const snapshot = await take(EXAMPLE);
    const place = snapshot.at({ group: 'tenants', binding: 'acme', domain: 'slow.test' });
    expect(snapshot.at({ group: 'tenants', binding: 'acme', domain: 'picky.test' })).toBe(place);
    expect(snapshot.at({ binding: 'acme', domain: 'other.test' })).toBe(snapshot.at({ binding: 'acme', domain: 'third.test' }));
    expect(snapshot.at({ group: 'default', binding: 'default', domain: 'x' })).toBe(snapshot.at({}));
    const client = (peerIp: string): InboundValues => snapshot.inbound({ listener: 'esmtp_listener', listen: ':25', peerIp });
    expect(client('10.20.0.1')).toBe(client('10.20.0.2'));
    expect(client('10.21.0.1')).not.toBe(client('10.20.0.2'));
  });

  it('remembers no more than it may', async () => {
    const snapshot = await take(`Match_Cache_Size = 4\n${EXAMPLE}`);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 50; i++) {
        expect(snapshot.at({ binding: 'acme', domain: `${i}.test` }).max_outbound_connections).toBe(32);
        expect(snapshot.at({ binding: 'acme', domain: 'slow.test' }).max_outbound_connections).toBe(2);
        expect(snapshot.at({ group: `g${i}`, binding: `b${i}` }).max_outbound_connections).toBe(32);
        expect(snapshot.inbound({ listener: 'esmtp_listener', listen: ':25', peerIp: `10.20.0.${i}` }).open_relay).toBe(true);
        expect(snapshot.host(`${i}.test`).max_outbound_connections).toBe(-1);
      }
    }
  });

  it('does not keep what strangers ask for', async () => {
    const snapshot = await take(EXAMPLE);
    for (let i = 0; i < 2000; i++) snapshot.at({ group: `g${i}`, binding: 'x' });
    expect(snapshot.at({ group: 'g1999', binding: 'x' })).toBe(snapshot.at({}));
    expect(snapshot.inbound({ listener: 'esmtp_listener', listen: 'nobody', peerIp: '10.20.0.1' }).open_relay).toBe(true);
  });

  it('lists bindings, groups and listeners', async () => {
    const snapshot = await take(EXAMPLE);
    expect(snapshot.bindings().map(({ name, group, line }) => [name, group, line])).toEqual([
      ['alone', undefined, 10],
      ['acme', 'tenants', 7],
      ['bolt', 'tenants', 8],
    ]);
    expect(snapshot.groups()).toEqual([{ name: 'tenants', members: ['acme', 'bolt'] }]);
    expect(snapshot.listeners('control_listener')).toMatchObject([
      { name: 'control_listener', listens: [{ name: '/tmp/2025', address: { kind: 'unix', path: '/tmp/2025' } }] },
    ]);
    expect(snapshot.listeners().map((l) => l.kind)).toEqual(['esmtp_listener', 'control_listener']);
    expect(snapshot.modules()).toEqual([]);
  });

  it('gives stanzas of the core, with defaults where they do not stand', async () => {
    const snapshot = await take(EXAMPLE);
    expect(snapshot.stanza('security')).toMatchObject({ user: 'mail', group: 'ecuser', supplemental_groups: ['ssl'], chroot: undefined });
    expect(snapshot.stanza('snmp').address).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 8162 });
    expect(snapshot.stanza('debug_flags').critical).toEqual(['ALL']);
    expect([...snapshot.stanzas('threadpool')].map(([name, block]) => [name, block.options.concurrency])).toEqual([['io', 4]]);
    expect(snapshot.stanzas('authorization').size).toBe(0);
  });

  it('has types that know the options', () => {
    expectTypeOf<GlobalValues['message_expiration']>().toEqualTypeOf<number>();
    expectTypeOf<GlobalValues['relay_hosts']>().toEqualTypeOf<Networks | undefined>();
    expectTypeOf<OutboundValues['outbound_throttle_messages']>().toEqualTypeOf<Throttle | undefined>();
    expectTypeOf<OutboundValues['tls']>().toEqualTypeOf<'no' | 'ifavailable' | 'required'>();
    expectTypeOf<InboundValues['max_message_size']>().toEqualTypeOf<number>();
    expectTypeOf<HostValues['max_outbound_connections']>().toEqualTypeOf<number>();
    expectTypeOf<GlobalValues>().not.toHaveProperty('max_message_size');
    expectTypeOf<OutboundValues>().not.toHaveProperty('listener_sessions');
    expectTypeOf<OutboundValues>().not.toHaveProperty('message_expiratoin');
  });
});

describe('MatchCache', () => {
  it('keeps what is asked for', () => {
    const cache = new MatchCache<number>(4);
    for (let i = 0; i < 100; i++) {
      cache.remember(`k${i}`, i);
      expect(cache.recall('k0')).toBe(0);
      expect(cache.recall(`k${i}`)).toBe(i);
      expect(cache.size).toBeLessThanOrEqual(4);
    }
    expect(cache.recall('k50')).toBeUndefined();
  });
});
