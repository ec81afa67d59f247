import { describe, expect, it } from 'vitest';
import { isLocalIp, kindOfIp } from './ip-kind.js';

describe('ip kind', () => {
  it('knows that text is none', () => expect([kindOfIp('x'), isLocalIp('x')]).toEqual([undefined, false]));

  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.32.0.1', 'global'],
    ['192.168.1.1', 'private'],
    ['fd00::1', 'private'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['100.64.0.1', 'shared'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['203.0.113.9', 'reserved'],
    ['8.8.8.8', 'global'],
    ['2606:4700::1', 'global'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['2002:0a00:0001::1', 'private'],
    ['::127.0.0.1', 'loopback'],
    ['64:ff9b::808:808', 'global'],
  ])('%s is %s', (ip, kind) => {
    expect(kindOfIp(ip)).toBe(kind);
    expect(isLocalIp(ip)).toBe(kind !== 'global' && kind !== 'reserved');
  });
});
