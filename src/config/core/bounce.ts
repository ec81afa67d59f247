/** Core options, area K: failures, notices about them, and notices that come back. */
import { opt } from '../opt.js';
import { G, G_BD, G_D, G_PW } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;

export const bounceOptions = {
  async_bounce_rendering: opt.bool({
    doc: 'Write notices aside from the main loop.',
    default: true,
    effect: 'never',
    differs: 'A notice takes less time to write than to hand to another thread.',
    scopes: G,
  }),
  bounce_behavior: opt.choice(
    'pass',
    'blackhole',
  )({
    doc: 'Incoming notices, once they are classified: deliver them or drop them.',
    default: 'pass',
    ...restricts,
    loose: ['pass'],
    scopes: G_D,
  }),
  bounce_cache_size: opt.int({
    doc: 'How many classifications are remembered.',
    default: 16_384,
    min: 1,
    effect: 'never',
    differs: 'A class is found in about a microsecond; remembering it would take longer.',
    scopes: G,
  }),
  bounce_cache_ttl: opt.seconds({
    doc: 'How long a classification is remembered.',
    default: 60,
    effect: 'never',
    differs: 'A class is found in about a microsecond; remembering it would take longer.',
    scopes: G,
  }),
  bounce_domains: opt.globs({
    doc: 'Domains whose mail is read as notices about our own mail; mail for them is accepted from anybody.',
    ...restricts,
    scopes: G_PW,
  }),
  bounce_pattern: opt.regex({
    doc: 'Only mail that matches counts: the sender of mail that fails, the recipient of notices that come in. Unset = all.',
    ...restricts,
    scopes: G_D,
  }),
  bounce_suppress_list: opt.strings({
    doc: 'Addresses and @domains that are never taken for the recipient a notice is about.',
    ...restricts,
    scopes: G,
  }),
  bounces_inline_original: opt.choice(
    'headers',
    'none',
    'all',
  )({ doc: 'How much of the message a notice brings back.', default: 'headers', scopes: G_BD }),
  delay_dsn_max_retry_interval: opt.seconds({ doc: 'Longest pause between two notices of delay.', default: 43_200, scopes: G_BD }),
  delay_dsn_retry_interval: opt.seconds({
    doc: 'Age at which the first notice of delay is sent; the pause doubles each time.',
    default: 3600,
    min: 1,
    scopes: G_BD,
  }),
  generate_bounces: opt.bool({
    doc: 'Send a notice to the sender when mail fails after it was accepted.',
    default: true,
    ...restricts,
    loose: [true],
    scopes: G_BD,
  }),
  generate_bounces_for_multi_recipient_policy_rejections: opt.bool({
    doc: 'Send a notice when only some of the recipients of a message were refused after its end.',
    default: true,
    scopes: G_PW,
  }),
  generate_delay_dsn: opt.bool({ doc: 'Tell senders when mail is late. Needs the module delay_dsn.', default: false, scopes: G_BD }),
  inline_transfail_processing: opt.bool({
    doc: 'Deal with a transient failure at once instead of queueing it.',
    default: true,
    effect: 'never',
    differs: 'A transient failure is dealt with as its reply is read; there is no queue of them.',
    scopes: G,
  }),
  mailerdaemon: opt.string({ doc: 'Address in From of notices; unset = mailer-daemon at this host.', scopes: G_BD }),
  max_resident_transfails: opt.int({
    doc: 'Length of the queue of failures above which bodies leave memory.',
    default: 100,
    effect: 'never',
    differs: 'A transient failure is dealt with as its reply is read; there is no queue of them.',
    scopes: G,
  }),
  mdn_failures_notify: opt.string({ doc: 'Mailbox that gets the notices about mail that had no sender.', scopes: G_BD }),
  soft_bounce_drain_rate: opt.int({
    doc: 'Notices put into the queues in one turn of the loop.',
    default: 100,
    min: 1,
    effect: 'never',
    differs: 'A notice becomes durable together with the end of the mail it is about; there is no queue between them.',
    scopes: G,
  }),
  transfail_drain_rate: opt.int({
    doc: 'Queued failures dealt with in one turn of the loop.',
    default: 100,
    min: 1,
    effect: 'never',
    differs: 'A transient failure is dealt with as its reply is read; there is no queue of them.',
    scopes: G,
  }),
};
