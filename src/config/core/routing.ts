/** Core options, area E: where mail goes, from which address, and how it is handed over. */
import { opt } from '../opt.js';
import { G, G_B, G_BD, G_D } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;
const BOOLEAN = {
  yes: 'true',
  on: 'true',
  '1': 'true',
  enabled: 'true',
  no: 'false',
  off: 'false',
  '0': 'false',
  disabled: 'false',
} as const;

export const routingOptions = {
  alias_schemes: opt.strings({
    doc: 'Names of the schemes that expand recipients, in order; an empty list switches expansion off.',
    ...restricts,
    scopes: ['global', 'domain', 'pathway_group', 'pathway'],
  }),
  bind_address: opt.ip({
    doc: 'Source address of connections; unset = as the system chooses.',
    reload: 'restart',
    ...restricts,
    scopes: G_B,
  }),
  blackhole: opt.choice(
    'false',
    'true',
    'inline',
    'internal',
  )({
    doc: 'Get rid of mail: inline (or true) refuses recipients with 551; internal accepts mail and then fails it without a notice.',
    default: 'false',
    also: BOOLEAN,
    ...restricts,
    loose: ['false'],
    scopes: G_BD,
  }),
  default_binding: opt.choice(
    'normal',
    'suspended',
    'none',
  )({
    doc: 'Mail that was assigned no binding: deliver it, hold it, or answer 451.',
    default: 'normal',
    ...restricts,
    loose: ['normal'],
    scopes: G,
  }),
  delivery_method: opt.choice(
    'esmtp',
    'smtp',
    'lmtp',
    'ecstream',
    'apn',
    'gcm',
    'mm7',
  )({ doc: 'Protocol spoken to the next hop.', default: 'esmtp', ...restricts, loose: ['esmtp'], scopes: G_BD }),
  ecstream_port: opt.int({
    doc: 'Port of ECStream deliveries.',
    default: 1825,
    min: 1,
    max: 65535,
    effect: 'never',
    differs: 'The ECStream protocol is not public; mail with delivery_method = ecstream waits with 451 4.3.5.',
    scopes: G_BD,
  }),
  ehlo_hostname: opt.string({
    doc: 'Name said in EHLO; __hostname__ is the name of this host, __message__ the domain of the sender.',
    default: '__hostname__',
    scopes: G_BD,
  }),
  expensive_batch_assessment: opt.bool({
    doc: 'Compare the finished headers, so that changed siblings that came out alike share a transaction.',
    default: false,
    effect: 'never',
    differs: 'They always are: headers are compared byte by byte wherever they are not one object, at the cost of one comparison.',
    scopes: G,
  }),
  fully_resolve_before_smtp: opt.bool({
    doc: 'Wait for the addresses of all hosts before the first connection.',
    default: true,
    scopes: G_BD,
  }),
  gateway: opt.blank({
    doc: 'Host that gets all mail of this scope; its MX, then its address is looked up. IPv6 stands in brackets. Empty takes away one that is set around it.',
    ...restricts,
    loose: [''],
    scopes: G_BD,
  }),
  hostname: opt.string({ doc: 'Name of this host, instead of what the system says.', scopes: G }),
  lmtp_port: opt.int({ doc: 'Port of LMTP deliveries.', default: 2003, min: 1, max: 65535, scopes: G_BD }),
  only_use_best_mx_for_relay_domains: opt.bool({
    doc: 'For relay_domains and bounce_domains connect only to the hosts of the best preference.',
    default: false,
    differs: "Momentum's built-in value is true, its shipped file sets false.",
    ...restricts,
    loose: [false],
    scopes: G,
  }),
  prohibited_hosts: opt.cidrs({
    doc: 'Addresses mail is never delivered to; such a recipient fails with 551 5.4.6.',
    ...restricts,
    scopes: G,
  }),
  skip_hosts: opt.cidrs({ doc: 'Addresses that are passed over; the other hosts of the domain are tried.', ...restricts, scopes: G }),
  remote_smtp_port: opt.int({ doc: 'Port of SMTP deliveries.', default: 25, min: 1, max: 65535, scopes: G_BD }),
  routes: opt.strings({
    doc: 'Next hops in order: a host, an address, __mx__ for what DNS says, or smtp://address?pref=&port=&ttl=&type=mx,a.',
    ...restricts,
    scopes: G_D,
  }),
  send_8bitmime: opt.choice('no', 'ifavailable')({ doc: 'Say BODY=8BITMIME where the next hop offers it.', default: 'no', scopes: G_BD }),
  suspend_delivery: opt.bool({
    doc: 'Make no attempts in this scope; a group passes over members that are suspended.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: G_BD,
  }),
  transform_8bitmime_content: opt.choice(
    'no',
    'ifneeded',
    'strict',
    'strip',
  )({ doc: 'Rewrite 8-bit bodies for hosts that take 7 bits only.', default: 'ifneeded', scopes: G_BD }),
  use_ipv6: opt.bool({ doc: 'Deliver to IPv6 addresses too.', default: false, scopes: G }),
  prefer_ipv6_mxs: opt.bool({ doc: 'Among hosts of one preference take IPv6 addresses first.', default: false, scopes: G }),
  xclient: opt.choice(
    'no',
    'ifavailable',
    'required',
  )({
    doc: 'Tell the next hop about the original client with XCLIENT.',
    default: 'no',
    ...restricts,
    loose: ['no', 'ifavailable'],
    scopes: G_BD,
  }),
};
