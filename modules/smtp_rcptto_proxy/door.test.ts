/** How the server to ask is written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDoor } from './door.js';

describe('the server to ask', () => {
  it.each([
    ['mx.inside.test', { host: 'mx.inside.test', port: undefined }],
    ['mx.inside.test:2525', { host: 'mx.inside.test', port: 2525 }],
    ['192.0.2.1:1', { host: '192.0.2.1', port: 1 }],
    ['2001:db8::1', { host: '2001:db8::1', port: undefined }],
    ['[2001:db8::1]', { host: '2001:db8::1', port: undefined }],
    ['[::1]:65535', { host: '::1', port: 65535 }],
  ])('may be %s', (text, door) => expect(parseDoor(text)).toEqual(door));

  it.each(['', ':25', 'a:', 'a:0', 'a:65536', 'a b', '[192.0.2.1]', '[::1', '::1]', 'a..b', '-a', 'a:b:c', 'a\r\nb', 'x'.repeat(256)])(
    'may not be %j',
    (text) => expect(parseDoor(text)).toBeUndefined(),
  );

  it('is read back as it is written', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(host, fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }), (name, port) => {
        const bare = name.includes(':') ? `[${name}]` : name;
        expect(parseDoor(port === undefined ? bare : `${bare}:${port}`)).toEqual({ host: name, port });
      }),
    );
  });

  it('never holds what could end a line or a name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const door = parseDoor(text);
        if (door) expect(door.host).toMatch(/^[A-Za-z0-9._:-]+(?:%[^\s]+)?$/);
      }),
    );
  });
});
