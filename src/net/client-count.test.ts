/** One client, however many addresses of its /64 it uses. */
import { describe, expect, it } from 'vitest';
import { ClientCount, clientKey } from './client-count.js';

describe('clientKey', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['2001:db8::1.2.3.4', '2001:db8:0:0'],
  ])('%s is %s', (ip, key) => expect(clientKey(ip)).toBe(key));
});

describe('ClientCount', () => {
  it('bad-inputs 23: counts a /64 as one client, up and down, and forgets', () => {
    const count = new ClientCount();
    expect(count.add('2001:db8::1')).toBe(1);
    expect(count.add('2001:db8::2')).toBe(2);
    expect(count.add('192.0.2.1')).toBe(1);
    expect(count.clients).toBe(2);
    count.remove('2001:db8::9');
    expect(count.of('2001:db8::1')).toBe(1);
    count.remove('2001:db8::1');
    count.remove('192.0.2.1');
    expect(count.clients).toBe(0);
    count.remove('192.0.2.1');
    expect(count.of('192.0.2.1')).toBe(0);
  });
});
