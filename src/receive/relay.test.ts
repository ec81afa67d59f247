import { describe, expect, it } from 'vitest';
import { configureText } from '../config/configure.js';
import { findRelayReason, type RelayOptions } from './relay.js';

const NONE: RelayOptions = {
  open_relay: false,
  relay_hosts: undefined,
  relay_domains: undefined,
  bounce_domains: undefined,
  relay_for_sending_domains: undefined,
};
const asked = { ip: '198.51.100.1', senderDomain: 's.test', recipientDomain: 'r.test', allowedByContext: false };
const set = (...names: string[]) => new Set(names);

describe('relaying', () => {
  it.each([
    ['nothing', {}, {}, undefined],
    ['relay_domains', { relay_domains: set('r.test') }, {}, 'relay_domains'],
    ['another relay domain', { relay_domains: set('s.test') }, {}, undefined],
    ['bounce_domains', { bounce_domains: set('r.test') }, {}, 'bounce_domains'],
    ['the context', {}, { allowedByContext: true }, 'can_relay'],
    ['open_relay', { open_relay: true }, {}, 'open_relay'],
    ['relay_hosts', { relay_hosts: set('198.51.100.1') }, {}, 'relay_hosts'],
    ['another relay host', { relay_hosts: set('198.51.100.2') }, {}, undefined],
    ['a unix socket as loopback', { relay_hosts: set('127.0.0.1') }, { ip: '' }, 'relay_hosts'],
    ['a unix socket without loopback', { relay_hosts: set('10.0.0.1') }, { ip: '' }, undefined],
    ['the sending domain', { relay_for_sending_domains: set('s.test') }, {}, 'relay_for_sending_domains'],
    ['the sending domain of a null sender', { relay_for_sending_domains: set('s.test') }, { senderDomain: undefined }, undefined],
    ['the recipient before the client', { relay_domains: set('r.test'), open_relay: true }, { allowedByContext: true }, 'relay_domains'],
  ])('is decided by %s', (_what, options, question, reason) => {
    expect(findRelayReason({ ...NONE, ...options }, { ...asked, ...question })).toBe(reason);
  });

  it('reads the lists of the configuration: networks, globs, domains, and peers of their own', async () => {
    const configured = await configureText(
      `relay_hosts = ( 192.0.2.0/24 "2001:db8::/32" )
relay_domains = ( "ours.test" "*.ours.test" )
esmtp_listener {
  listen "127.0.0.1:25" { }
  peer "203.0.113.0/24" {
    open_relay = true
  }
}
`,
      { unread: new Set() },
    );
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    const reason = (ip: string, recipientDomain: string) => {
      const options = configured.snapshot.inbound({ listener: 'esmtp_listener', listen: '127.0.0.1:25', peerIp: ip });
      return options && findRelayReason(options, { ip, senderDomain: 's.test', recipientDomain, allowedByContext: false });
    };
    expect(reason('198.51.100.1', 'ours.test')).toBe('relay_domains');
    expect(reason('198.51.100.1', 'sub.ours.test')).toBe('relay_domains');
    expect(reason('198.51.100.1', 'notours.test')).toBeUndefined();
    expect(reason('192.0.2.200', 'far.test')).toBe('relay_hosts');
    expect(reason('2001:db8::1', 'far.test')).toBe('relay_hosts');
    expect(reason('2001:db9::1', 'far.test')).toBeUndefined();
    expect(reason('203.0.113.9', 'far.test')).toBe('open_relay');
  });
});
