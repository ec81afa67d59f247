import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCidr } from '../kernel/cidr.js';
import { parseResolvConf } from './resolv-conf.js';

describe('resolv.conf', () => {
  it('reads what stands in one', () => {
    const conf = parseResolvConf(`
# made by hand
nameserver 192.0.2.53
nameserver 2001:db8::53   ; second
nameserver 127.0.0.1:5353
nameserver [::1]:5354
nameserver fe80::1%eth0
domain first.example
search Example.com sub.example.
sortlist 130.155.160.0/255.255.240.0 10.0.0.0 192.0.2.0/25
lookup bind file
options ndots:3 timeout:2 attempts:4 rotate use-vc trust-ad edns0 unheard-of
banana split
`);
    expect(conf).toMatchObject({
      servers: [
        { ip: '192.0.2.53', port: 53 },
        { ip: '2001:db8::53', port: 53 },
        { ip: '127.0.0.1', port: 5353 },
        { ip: '::1', port: 5354 },
        { ip: 'fe80::1%eth0', port: 53 },
      ],
      search: ['example.com', 'sub.example'],
      ndots: 3,
      timeoutSeconds: 2,
      attempts: 4,
      rotate: true,
      tcpOnly: true,
      trustAd: true,
      lookup: ['bind', 'file'],
      ignored: ['options unheard-of', 'banana split'],
    });
    expect(conf.sortlist.map(formatCidr)).toEqual(['130.155.160.0/20', '10.0.0.0/8', '192.0.2.0/25']);
  });

  it('has defaults for everything', () => {
    expect(parseResolvConf('')).toEqual({
      servers: [{ ip: '127.0.0.1', port: 53 }],
      search: [],
      ndots: 1,
      timeoutSeconds: 5,
      attempts: 2,
      rotate: false,
      tcpOnly: false,
      trustAd: false,
      sortlist: [],
      lookup: ['file', 'bind'],
      ignored: [],
    });
  });

  it.each([
    ['lookup bf', ['bind', 'file']],
    ['lookup fb', ['file', 'bind']],
    ['lookup bind', ['bind']],
    ['lookup f', ['file']],
    ['lookup file file bind', ['file', 'bind']],
  ])('%s', (line, lookup) => expect(parseResolvConf(line).lookup).toEqual(lookup));

  it.each([
    'nameserver',
    'nameserver ns.example',
    'nameserver 1.2.3.4:99999',
    'nameserver [x]',
    'lookup yp',
    'options ndots:x',
    'sortlist x/y',
  ])('lists %j as ignored', (line) => expect(parseResolvConf(line).ignored).toHaveLength(1));

  it('keeps numbers in bounds, knows the names of Solaris, and the last of domain and search', () => {
    expect(parseResolvConf('options ndots:99 timeout:0 attempts:99')).toMatchObject({ ndots: 15, timeoutSeconds: 1, attempts: 5 });
    expect(parseResolvConf('options retrans:7 retry:3')).toMatchObject({ timeoutSeconds: 7, attempts: 3 });
    expect(parseResolvConf('search a.example b.example\ndomain c.example d.example').search).toEqual(['c.example']);
  });

  it('reads any text', () => {
    const word = fc.constantFrom(
      'nameserver',
      'options',
      'search',
      'sortlist',
      'lookup',
      '1.2.3.4',
      '[::1]:',
      '/',
      'ndots:',
      '\n',
      ' ',
      '#',
      'bf',
      '999',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 60 }), (words) => {
        const conf = parseResolvConf(words.join(' '));
        expect(conf.servers.length).toBeGreaterThan(0);
        expect(conf.servers.length).toBeLessThanOrEqual(8);
        expect(conf.lookup.length).toBeGreaterThan(0);
      }),
    );
  });
});
