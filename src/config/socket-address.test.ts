import { describe, expect, it } from 'vitest';
import { parseSocketAddress, printSocketAddress } from './socket-address.js';

const read = (text: string, port?: number): string => {
  const address = parseSocketAddress(text, port);
  return typeof address === 'string' ? `! ${address}` : printSocketAddress(address);
};

describe('parseSocketAddress', () => {
  it.each([
    [':25', '0.0.0.0:25'],
    ['*:25', '0.0.0.0:25'],
    ['25', '0.0.0.0:25'],
    ['[*]:25', '[::]:25'],
    ['[::]:25', '[::]:25'],
    ['[2001:db8::1]:25', '[2001:db8::1]:25'],
    ['192.0.2.1:0', '192.0.2.1:0'],
    ['LocalHost:2525', '127.0.0.1:2525'],
    ['/run/x:25', '/run/x:25'],
    ['var/run/x', 'var/run/x'],
  ])('%s is %s', (text, wanted) => expect(read(text)).toBe(wanted));

  it('takes a port from elsewhere', () => {
    expect([read('127.0.0.1', 25), read('::1', 25), read('[::1]', 25)]).toEqual(['127.0.0.1:25', '[::1]:25', '[::1]:25']);
  });

  it.each([
    ['::1', '! An IPv6 address with a port stands in brackets: [::1]:25.'],
    ['127.0.0.1', '! The port is missing in "127.0.0.1".'],
    ['a.test:25', '! "a.test:25" is not a socket address: write ip:port, [ipv6]:port, :port or the path of a unix socket.'],
    ['192.0.2:25', '! "192.0.2:25" is not a socket address: write ip:port, [ipv6]:port, :port or the path of a unix socket.'],
    ['[192.0.2.1]:25', '! "[192.0.2.1]:25" is not a socket address: write ip:port, [ipv6]:port, :port or the path of a unix socket.'],
    ['a:b:c', '! "a:b:c" is not a socket address: write ip:port, [ipv6]:port, :port or the path of a unix socket.'],
    [':65536', '! "65536" is not a port: ports go from 0 to 65535.'],
    [':', '! "" is not a port: ports go from 0 to 65535.'],
    [`/${'x'.repeat(107)}`, '! The path of a unix socket has at most 107 bytes, this one has 108.'],
    [`/${'é'.repeat(54)}`, '! The path of a unix socket has at most 107 bytes, this one has 109.'],
  ])('refuses %s', (text, wanted) => expect(read(text)).toBe(wanted));
});
