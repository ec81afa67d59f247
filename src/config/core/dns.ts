/** Core options, area F: name service. */
import { opt } from '../opt.js';
import { G, G_D } from '../scopes.js';

export const dnsOptions = {
  dns_cache_purge_interval: opt.seconds({ doc: 'How often old answers are thrown out of the cache.', default: 60, min: 1, scopes: G }),
  dns_expire_interval: opt.seconds({
    doc: 'How often domains with an old route are looked up again.',
    default: 10,
    min: 1,
    differs: 'A route that is too old is looked up when the next connection needs it.',
    effect: 'never',
    scopes: G,
  }),
  dns_failures_to_purge: opt.int({
    doc: 'Failed look-ups in a row after which the waiting mail of a domain fails with 554 5.4.4.',
    default: 10,
    min: 1,
    effect: 'restricts',
    scopes: G_D,
  }),
  dns_fallback_to_tcp: opt.bool({
    doc: 'Ask again over TCP when an answer was cut off.',
    default: true,
    differs: 'Momentum lives with the part that came.',
    scopes: G,
  }),
  max_dns_ttl: opt.seconds({
    doc: 'Longest time an answer is believed, whatever it says itself.',
    default: 4_294_967_295,
    effect: 'restricts',
    scopes: G,
  }),
  min_dns_ttl: opt.seconds({ doc: 'Shortest time an answer is believed, whatever it says itself.', default: 0, scopes: G }),
  mx_failures_fallback_to_a: opt.int({
    doc: 'Failed MX look-ups before the address of the domain itself is tried.',
    default: 3,
    scopes: G_D,
  }),
  resolv_conf: opt.path({
    doc: 'File with the name servers, instead of /etc/resolv.conf: nameserver, search, domain, sortlist, lookup, options.',
    effect: 'restricts',
    scopes: G,
  }),
};
