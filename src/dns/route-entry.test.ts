import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLiteral } from './literal.js';
import { parseRouteEntry } from './route-entry.js';

const NONE = { port: undefined, preference: undefined, ttlSeconds: undefined };
const BOTH = ['mx', 'a'] as const;

describe('route entry', () => {
  it.each([
    ['relay.example.com', { kind: 'host', name: 'relay.example.com', ...NONE, types: BOTH }],
    ['Relay.Example.com.', { kind: 'host', name: 'relay.example.com.', ...NONE, types: BOTH }],
    ['relay', { kind: 'host', name: 'relay', ...NONE, types: BOTH }],
    ['relay.example.com:2525', { kind: 'host', name: 'relay.example.com', ...NONE, port: 2525, types: BOTH }],
    ['192.0.2.1', { kind: 'address', ip: '192.0.2.1', ...NONE }],
    ['192.0.2.1:587', { kind: 'address', ip: '192.0.2.1', ...NONE, port: 587 }],
    ['[2001:DB8::1]', { kind: 'address', ip: '2001:db8::1', ...NONE }],
    ['[2001:db8::1]:2525', { kind: 'address', ip: '2001:db8::1', ...NONE, port: 2525 }],
    ['[IPv6:2001:db8::1]', { kind: 'address', ip: '2001:db8::1', ...NONE }],
    ['[192.0.2.1]', { kind: 'address', ip: '192.0.2.1', ...NONE }],
    ['__mx__', { kind: 'own-mx', preference: undefined, ttlSeconds: undefined }],
    ['__MX__', { kind: 'own-mx', preference: undefined, ttlSeconds: undefined }],
    ['smtp://192.0.2.1?pref=5&ttl=3600&port=26', { kind: 'address', ip: '192.0.2.1', port: 26, preference: 5, ttlSeconds: 3600 }],
    ['SMTP://relay.example.com:27/?type=a', { kind: 'host', name: 'relay.example.com', ...NONE, port: 27, types: ['a'] }],
    ['smtp://relay.example.com:27?port=28&type=A,mx', { kind: 'host', name: 'relay.example.com', ...NONE, port: 28, types: ['a', 'mx'] }],
    ['smtp://[2001:db8::1]?pref=0', { kind: 'address', ip: '2001:db8::1', ...NONE, preference: 0 }],
    ['smtp://__mx__?pref=20', { kind: 'own-mx', preference: 20, ttlSeconds: undefined }],
  ])('reads %s', (text, entry) => expect(parseRouteEntry(text)).toEqual(entry));

  it.each([
    '',
    '2001:db8::1',
    '[2001:db8::1',
    '[nonsense]',
    '1.2.3',
    '1.2.3.4.5',
    '300.1.1.1',
    'host:0',
    'host:65536',
    'host:',
    'host:x',
    'two words',
    'a..b',
    'lmtp://host',
    'smtp://',
    'smtp://host?pref=x',
    'smtp://host?pref=-1',
    'smtp://host?pref=70000',
    'smtp://host?port=0',
    'smtp://host?type=aaaa',
    'smtp://host?type=',
    'smtp://host?weight=3',
    'smtp://host?pref=1=2',
    'smtp://__mx__?port=25',
  ])('says in a sentence what is wrong with %j', (text) => {
    const said = parseRouteEntry(text);
    expect(typeof said === 'string' && /^["A-Z].*\.$/.test(said)).toBe(true);
  });

  it('never throws', () => {
    const part = fc.constantFrom('smtp://', '[', ']', ':', '?', '&', '=', 'pref', 'ttl=', '::', '1.2.3.4', '__mx__', 'host', '/', ' ');
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string()), { maxLength: 12 }), (parts) =>
        ['string', 'object'].includes(typeof parseRouteEntry(parts.join(''))),
      ),
    );
  });
});

describe('literal', () => {
  it.each([
    ['[192.0.2.1]', '192.0.2.1'],
    ['[IPv6:2001:DB8::1]', '2001:db8::1'],
    ['[ipv6:::ffff:192.0.2.1]', '192.0.2.1'],
    ['[2001:db8::1]', undefined],
    ['[IPv6:192.0.2.1]', undefined],
    ['[192.0.2.256]', undefined],
    ['[x]', undefined],
    ['[]', undefined],
    ['192.0.2.1', undefined],
    ['[[192.0.2.1]]', undefined],
  ])('%s is %s', (text, ip) => expect(parseLiteral(text)).toBe(ip));
});
