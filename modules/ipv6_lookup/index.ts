/** ipv6_lookup: asks for both address families of a mail host, in an order of its own, and never waits long for the second. */
import os from 'node:os';
import { type Answer, Dns, defineModule, type HostAddress, type HostAddresses, opt } from '#module';
import { orderAddresses } from './order.js';

/** A host of which one family could not be looked up is asked about again after this time. */
const AGAIN_SECONDS = 60;

/** Addresses of this machine that reach beyond it. */
const ownAddresses = (): readonly string[] =>
  Object.values(os.networkInterfaces()).flatMap((list) =>
    (list ?? []).filter(({ address, internal }) => !internal && !address.startsWith('fe80:')).map(({ address }) => address),
  );

const isMapped = (ip: string): boolean => /^::ffff:/i.test(ip);

export default defineModule({
  name: 'ipv6_lookup',
  summary: 'Look up IPv6 addresses of mail hosts beside the IPv4 ones.',
  options: {
    prefer: opt.choice(
      'v4',
      'v6',
      'rfc6724',
    )({
      doc: 'Which family of a host is tried first; rfc6724 leaves it to the rules of that document and the addresses of this machine.',
      default: 'v4',
      origin: 'ours',
    }),
    aaaa_timeout: opt.number({
      doc: 'Seconds the IPv6 look-up may take longer than the IPv4 one.',
      default: 2,
      min: 0,
      max: 30,
      origin: 'ours',
    }),
  },
  check(_own, core) {
    return core.use_ipv6 ? [] : [{ say: 'ipv6_lookup has no effect without use_ipv6 = true.', level: 'warning' }];
  },

  register(ctx) {
    const dns = ctx.use(Dns);
    const { prefer, aaaa_timeout: graceSeconds } = ctx.options;

    /** The second family, or undefined when it takes too long after the first. */
    const askLate = async (
      asked: Promise<Answer<HostAddress>>,
      first: Promise<unknown>,
      end: AbortController,
    ): Promise<Answer<HostAddress> | undefined> => {
      const late = first
        .then(() => ctx.sleep(graceSeconds * 1000, end.signal))
        .then(
          () => undefined,
          () => undefined,
        );
      const answer = await Promise.race([asked.catch(() => undefined), late]);
      end.abort();
      return answer;
    };

    ctx.on('addresses', async (host, v6, run): Promise<HostAddresses | undefined> => {
      if (!v6) return undefined;
      const end = new AbortController();
      const signal = AbortSignal.any([run.signal, end.signal]);
      const first = dns.addresses(host, { v4: true, v6: false }, run.signal);
      const [a, aaaa] = await Promise.all([
        first,
        askLate(
          dns.addresses(host, { v4: false, v6: true }, signal),
          first.catch(() => undefined),
          end,
        ),
      ]);
      if (aaaa === undefined) ctx.count('late');
      // What an operator wrote into /etc/hosts is judged otherwise than DNS, and what nobody has is the core's to explain.
      const found = [a, aaaa].filter((answer) => answer?.kind === 'found');
      if (found.length === 0 || found.some(({ from }) => from === 'file')) return undefined;
      const ips = found.flatMap(({ records }) => records.map(({ ip }) => ip)).filter((ip) => !isMapped(ip));
      if (ips.length === 0) return undefined;
      const whole = [a, aaaa].every(
        (answer) => answer && (answer.kind === 'found' || answer.kind === 'nodata' || answer.kind === 'nxdomain'),
      );
      const ttlSeconds = Math.min(...found.map((answer) => answer.ttlSeconds), ...(whole ? [] : [AGAIN_SECONDS]));
      return { ips: orderAddresses(ips, prefer, prefer === 'rfc6724' ? ownAddresses() : []), ttlSeconds, ordered: true };
    });
  },
});
