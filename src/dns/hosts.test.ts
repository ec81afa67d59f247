import { describe, expect, it } from 'vitest';
import { parseHosts } from './hosts.js';

const hosts = parseHosts(`
127.0.0.1	localhost
::1 localhost ip6-localhost
10.0.0.5  Relay.Example.com relay   # the gateway
fd00:0::5 relay.example.com
10.0.0.6 relay
nonsense here
fe80::1%lo0 zoned
192.0.2.9
192.0.2.8 bad..name good
`);

describe('hosts', () => {
  it('knows addresses of names, in order, in both families', () => {
    expect(hosts.addresses('relay.example.com')).toEqual([
      { ip: '10.0.0.5', family: 4 },
      { ip: 'fd00::5', family: 6 },
    ]);
    expect(hosts.addresses('relay').map(({ ip }) => ip)).toEqual(['10.0.0.5', '10.0.0.6']);
    expect(hosts.addresses('good').map(({ ip }) => ip)).toEqual(['192.0.2.8']);
  });

  it('knows names of addresses', () => {
    expect(hosts.names('10.0.0.5')).toEqual(['relay.example.com', 'relay']);
    expect(hosts.names('192.0.2.1')).toEqual([]);
  });

  it('passes over what is none', () => {
    for (const name of ['here', 'zoned', 'the', 'nonsense']) expect(hosts.addresses(name)).toEqual([]);
  });

  it('always knows localhost', () => {
    const none = parseHosts('');
    expect(none.addresses('localhost').map(({ ip }) => ip)).toEqual(['127.0.0.1', '::1']);
    expect(none.addresses('x.localhost').map(({ ip }) => ip)).toEqual(['127.0.0.1', '::1']);
    expect(none.addresses('localhost.example')).toEqual([]);
  });
});
