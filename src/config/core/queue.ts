/** Core options, area G: how long mail waits, how often it is tried, how much of it stays in memory. */
import { opt } from '../opt.js';
import { G, G_B, G_BD, G_D } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;

export const queueOptions = {
  clear_mail_queue_maintainers: opt.bool({
    doc: 'Cancel the older of two maintenance events of a queue.',
    default: true,
    effect: 'never',
    differs: 'There are no such events: a queue is woken by what happens to it.',
    scopes: G,
  }),
  connect_timeout_to_delay: opt.seconds({
    doc: 'A domain none of whose hosts was reached for this long has all its mail put off.',
    default: 900,
    ...restricts,
    loose: [0],
    scopes: G_BD,
  }),
  delayed_binding_domain_fuzz: opt.seconds({
    doc: 'Spread of the next attempts when many messages are put off together.',
    default: 0,
    scopes: G_B,
  }),
  delayed_queue_scan_interval: opt.seconds({
    doc: 'Longest time between two looks at the queue of a domain that has mail due.',
    default: 15,
    min: 1,
    effect: 'never',
    differs:
      'No queue is looked at by the clock: mail that comes due, a slot that comes free and a rate that has room each wake their domain at once.',
    scopes: G,
  }),
  drop_body_after_trans_fail: opt.int({
    doc: 'Transient failures after which a body is no longer kept in memory.',
    default: 3,
    scopes: G_BD,
  }),
  host_failure_retry: opt.seconds({
    doc: 'How long an address is left alone after it could not be reached or broke the protocol.',
    default: 120,
    ...restricts,
    loose: [0],
    scopes: G_D,
  }),
  max_resident_active_queue: opt.int({
    doc: 'Due messages of a domain that stay in memory whole; -1 = all, 0 = none.',
    default: 250,
    min: -1,
    scopes: G_BD,
  }),
  max_resident_messages: opt.int({
    doc: 'Messages that stay in memory whole; 0 = no limit.',
    default: 32_768,
    ...restricts,
    loose: [0],
    scopes: G_B,
  }),
  max_retries: opt.intOr(
    'auto',
    'none',
  )({
    doc: 'How often a message is tried again. auto: as often as fits into message_expiration; none or unset: only age counts.',
    min: 0,
    ...restricts,
    loose: ['none'],
    scopes: G_BD,
  }),
  max_retry_interval: opt.seconds({ doc: 'Longest pause between two attempts.', default: 43_200, min: 1, scopes: G_BD }),
  message_expiration: opt.seconds({
    doc: 'Age at which a message that was not delivered fails.',
    default: 604_800,
    differs: "Momentum's built-in value is 86400, its shipped file sets 604800.",
    ...restricts,
    scopes: G_BD,
  }),
  migrate_connections_between_sibling_domains: opt.bool({
    doc: 'Use an idle connection for another domain with the same host and source address.',
    default: true,
    scopes: G,
  }),
  mx_failures_to_delay: opt.int({
    doc: 'Failures in a row on every host of a domain after which all its mail is put off; 0 = never.',
    default: 50,
    ...restricts,
    loose: [0],
    scopes: G_D,
  }),
  never_attempt_expired_messages: opt.bool({
    doc: 'Fail a message that is too old without its last attempt.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: G_BD,
  }),
  never_retry: opt.bool({ doc: 'Take the first transient failure as final.', default: false, ...restricts, loose: [false], scopes: G_BD }),
  reserve_maintenance_interval: opt.seconds({
    doc: 'How often domains without a connection may use the reserved ones.',
    default: 15,
    min: 1,
    effect: 'never',
    differs: 'They may at once, so there is nothing to repeat.',
    scopes: G,
  }),
  retry_interval: opt.seconds({
    doc: 'Pause before the second attempt; it doubles with every further one.',
    default: 1200,
    min: 1,
    scopes: G_BD,
  }),
};
