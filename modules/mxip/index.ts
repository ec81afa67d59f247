/** mxip: takes an address for what it is where an MX record should name a host. */
import net from 'node:net';
import { defineModule, opt } from '#module';

/** The address that a name spells: strict decimal IPv4 ("010.1.1.1" is none), or IPv6 that is not IPv4 in disguise. */
export function readAddress(name: string): string | undefined {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  return net.isIPv4(bare) || (net.isIPv6(bare) && !bare.includes('.') && !bare.includes('%')) ? bare : undefined;
}

export default defineModule({
  name: 'mxip',
  summary: 'Deliver to domains whose MX records hold addresses in place of names.',
  options: {
    ttl: opt.int({ doc: 'Seconds such an address is believed, within min_dns_ttl and max_dns_ttl.', default: 600, min: 1 }),
  },

  register(ctx) {
    ctx.on(
      'addresses',
      (host, v6) => {
        const ip = readAddress(host);
        if (ip === undefined || (ip.includes(':') && !v6)) return undefined;
        ctx.count('taken');
        ctx.log('info', `${host} in place of a host name is taken as the address ${ip}`);
        return { ips: [ip], ttlSeconds: ctx.options.ttl };
      },
      { order: 'early' },
    );
  },
});
