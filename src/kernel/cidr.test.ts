import { isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CidrMap, CidrSet, canonicalIp, containsIp, formatCidr, formatIp, parseCidr, parseIp } from './cidr.js';

const octets = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));

describe('cidr', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8::', '2001:db8::'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:0a00:0001', '10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ])('writes %s as %s', (text, canonical) => expect(canonicalIp(text)).toBe(canonical));

  it.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', 'fe80::1%eth0', 'a.b.c.d', '::1::', '1.2.3.4.5', '[::1]'])(
    'knows that %j is no address',
    (text) => expect(canonicalIp(text)).toBeUndefined(),
  );

  it('reads dotted text as node does', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc
        .array(fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '00', '01', '1x', ' 1', '0')), { maxLength: 5 })
        .map((parts) => parts.join('.')),
    );
    fc.assert(fc.property(text, (dotted) => (parseIp(dotted) !== undefined) === isIPv4(dotted)));
  });

  it('keeps every address through its text', () => {
    fc.assert(
      fc.property(octets, (bytes) => {
        const text = formatIp(bytes);
        const back = parseIp(text);
        const mapped = bytes.length === 16 && /^::ffff:/.test(text) && back?.length === 4;
        return mapped
          ? Buffer.from(bytes.slice(12)).equals(back)
          : Buffer.from(bytes).equals(Buffer.from(back ?? [])) && canonicalIp(text) === text;
      }),
    );
  });

  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['172.31.255.255/12', '172.16.0.0/12'],
  ])('reads %s as %s', (text, canonical) => expect(formatCidr(parseCidr(text) ?? { bytes: new Uint8Array(4), bits: 0 })).toBe(canonical));

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '::/129', 'x/8', '/8', '::ffff:10.0.0.0/95'])('refuses %j', (text) =>
    expect(parseCidr(text)).toBeUndefined(),
  );

  it('finds the longest prefix, as a walk over all networks does', () => {
    const network = fc
      .tuple(octets, fc.nat(128))
      .map(([bytes, bits]) => parseCidr(`${formatIp(bytes)}/${Math.min(bits, 8 * (parseIp(formatIp(bytes))?.length ?? 0))}`));
    fc.assert(
      fc.property(fc.array(network, { maxLength: 40 }), fc.array(octets, { maxLength: 20 }), (networks, ips) => {
        const known = networks.filter((n) => n !== undefined);
        const map = new CidrMap<string>();
        for (const n of known) map.set(n, formatCidr(n));
        const set = new CidrSet(known);
        // Neighbours of the networks, so that something is found at all.
        const asked = [...ips, ...known.map((n) => Uint8Array.from(n.bytes, (b, i) => (8 * i >= n.bits ? 255 : b)))];
        for (const ip of asked) {
          const holding = known.filter((n) => containsIp(n, ip)).sort((a, b) => b.bits - a.bits);
          expect(map.find(ip)?.cidr.bits).toBe(holding[0]?.bits);
          expect(map.find(ip)?.value).toBe(holding[0] && formatCidr(holding[0]));
          expect(set.has(ip)).toBe(holding.length > 0);
        }
      }),
    );
  });

  it('counts a network once, and is not moved by what is no address', () => {
    const set = new CidrSet();
    for (const text of ['10.0.0.0/8', '10.9.9.9/8', '::1']) {
      const cidr = parseCidr(text);
      if (cidr) set.add(cidr);
    }
    expect([set.size, set.has('x'), set.has('::ffff:10.4.4.4')]).toEqual([2, false, true]);
    expect(formatCidr(set.match('10.1.1.1') ?? { bytes: new Uint8Array(4), bits: 32 })).toBe('10.0.0.0/8');
  });
});
