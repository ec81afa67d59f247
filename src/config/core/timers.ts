/** Core options, area I: how long the next hop may take. */
import { opt } from '../opt.js';
import { G_BD } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;

export const timerOptions = {
  body_timeout: opt.seconds({ doc: 'Wait for the answer to the final dot.', default: 600, min: 1, ...restricts, scopes: G_BD }),
  connect_timeout: opt.seconds({ doc: 'Wait for a connection to stand.', default: 300, min: 1, ...restricts, scopes: G_BD }),
  delivery_response_timeout: opt.milliseconds({
    doc: 'Wait for the answer of an HTTP delivery.',
    default: 5000,
    min: 1,
    differs: 'No delivery of this daemon speaks HTTP.',
    effect: 'never',
    scopes: ['global', 'binding', 'domain'],
  }),
  ecstream_timeout: opt.seconds({
    doc: 'Wait for an ECStream connection.',
    default: 600,
    effect: 'never',
    differs: 'The ECStream protocol is not public; no such connection is made.',
    scopes: G_BD,
  }),
  ehlo_timeout: opt.seconds({ doc: 'Wait for the banner, and for the answer to EHLO.', default: 300, min: 1, ...restricts, scopes: G_BD }),
  idle_timeout: opt.seconds({
    doc: 'How long an idle connection is kept for the next message.',
    default: 5,
    ...restricts,
    loose: [5],
    scopes: G_BD,
  }),
  mailfrom_timeout: opt.seconds({ doc: 'Wait for the answer to MAIL FROM.', default: 300, min: 1, ...restricts, scopes: G_BD }),
  rcptto_timeout: opt.seconds({ doc: 'Wait for the answer to RCPT TO.', default: 300, min: 1, ...restricts, scopes: G_BD }),
  rset_timeout: opt.seconds({ doc: 'Wait for the answer to RSET.', default: 30, min: 1, ...restricts, scopes: G_BD }),
};
