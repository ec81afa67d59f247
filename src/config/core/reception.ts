/** Core options, area C: limits of reception, and how strictly SMTP and message format are taken. */
import { opt } from '../opt.js';
import { G, G_PW, G_SMTP, SMTP } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;

const FIX_IS_MISSING = 'folding and re-encoding of long lines is not built yet; use reject or none';

export const receptionOptions = {
  allow_ip_literal: opt.bool({
    doc: 'Accept recipients at an address literal, user@[192.0.2.1].',
    default: true,
    ...restricts,
    loose: [true],
    scopes: G_SMTP,
  }),
  allow_null_envelope_sender: opt.bool({
    doc: 'Accept the empty sender of notices, MAIL FROM:<>.',
    default: true,
    ...restricts,
    loose: [true],
    scopes: G_SMTP,
  }),
  allow_trailing_whitespace_in_commands: opt.bool({
    doc: 'Overlook blanks at the end of MAIL and RCPT.',
    default: false,
    ...restricts,
    loose: [true],
    scopes: G_SMTP,
  }),
  banner_hostname: opt.string({ doc: 'Host name shown in the 220 banner.', scopes: SMTP }),
  default_charset: opt.string({ doc: 'Character set taken where a message names none.', default: 'us-ascii', scopes: G_PW }),
  domain_for_unqualified_recipient_addresses: opt.string({
    doc: 'Domain that is added to recipients without one, such as <postmaster>.',
    scopes: G_SMTP,
  }),
  domain_for_unqualified_sender_address: opt.string({ doc: 'Domain that is added to senders without one.', scopes: G_SMTP }),
  inbound_throttle_messages: opt.throttle({ doc: 'How many messages are accepted in a time.', ...restricts, scopes: G_PW }),
  max_message_size: opt.size({
    doc: 'Largest message that is accepted, told to clients as SIZE; larger ones get 552. 0 = no limit.',
    default: 10 * 1024 * 1024,
    differs: 'Momentum has no limit.',
    ...restricts,
    loose: [0],
    scopes: SMTP,
  }),
  max_receptions_per_connection: opt.int({
    doc: 'Messages one connection may bring before it gets 421; 0 = no limit.',
    default: 0,
    ...restricts,
    loose: [0],
    scopes: G_SMTP,
  }),
  max_recipients_per_connection: opt.int({
    doc: 'Inbound: recipients one session may name. Outbound: RCPT TO commands on one connection. 0 = no limit.',
    default: 0,
    ...restricts,
    loose: [0],
    scopes: ['global', 'binding_group', 'binding', 'domain', 'esmtp_listener', 'listen', 'peer'],
  }),
  max_recipients_per_message: opt.int({
    doc: 'Recipients of one message; further ones get 452. 0 = no limit.',
    default: 1000,
    differs: 'Momentum has no limit.',
    ...restricts,
    loose: [0],
    scopes: SMTP,
  }),
  mime_parse_large_messages_during_reception: opt.bool({
    doc: 'Read the structure of large messages while they arrive.',
    default: true,
    scopes: G,
  }),
  received_hostname: opt.string({ doc: 'Host name written into our Received header.', scopes: SMTP }),
  require_ehlo: opt.bool({
    doc: 'Answer 550 to MAIL from clients that did not say EHLO or HELO.',
    default: true,
    differs: 'Momentum does not ask for it.',
    ...restricts,
    loose: [false],
    scopes: G_SMTP,
  }),
  rfc2821_allow_whitespace_in_envelope: opt.bool({
    doc: 'Overlook blanks between an address and its angle brackets.',
    default: false,
    ...restricts,
    loose: [true],
    scopes: G_PW,
  }),
  rfc2821_pedantic_address_rules: opt.bool({
    doc: 'Refuse local parts that are no dot-atom, such as a..b or ab. before the at sign.',
    default: true,
    ...restricts,
    loose: [false],
    scopes: G_PW,
  }),
  rfc2822_date_header: opt.choice(
    'ignore',
    'pedantic',
    'ifneeded',
  )({
    doc: 'A message without Date: leave it, refuse it, or add one.',
    default: 'ifneeded',
    ...restricts,
    loose: ['ignore'],
    scopes: G_PW,
  }),
  rfc2822_lone_lf_in_body: opt.choice(
    'ignore',
    'pedantic',
    'fix',
  )({
    doc: 'A bare CR or LF (or NUL) in the body: accept it, refuse the message, or mend it.',
    default: 'pedantic',
    differs: 'Momentum accepts them, which lets a message be smuggled in another.',
    ...restricts,
    loose: ['ignore'],
    scopes: G_PW,
  }),
  rfc2822_lone_lf_in_headers: opt.choice(
    'pedantic',
    'fix',
  )({ doc: 'A bare CR or LF in the headers: refuse the message or mend it.', default: 'pedantic', ...restricts, scopes: G_PW }),
  rfc2822_max_line_length: opt.intOr(
    'ignore',
    'pedantic',
    'fix',
  )({
    doc: 'Longest line of a message in bytes without its end; pedantic and fix mean 998 and the policy of that name.',
    default: 998,
    min: 1,
    differs: 'Momentum does not look at it.',
    check: (value) => (value === 'fix' ? FIX_IS_MISSING : undefined),
    ...restricts,
    loose: ['ignore'],
    scopes: G_PW,
  }),
  rfc2822_max_line_length_policy: opt.choice(
    'none',
    'fix',
    'reject',
  )({
    doc: 'Longer lines: let them pass, fold and re-encode them, or refuse the message. They are never cut.',
    default: 'reject',
    differs: 'Momentum lets them pass.',
    check: (value) => (value === 'fix' ? FIX_IS_MISSING : undefined),
    ...restricts,
    loose: ['none'],
    scopes: G_PW,
  }),
  rfc2822_messageid_header: opt.choice(
    'ignore',
    'ifneeded',
  )({ doc: 'A message without Message-ID: leave it or add one.', default: 'ifneeded', scopes: G_PW }),
  rfc2822_missing_headers: opt.choice(
    'reject',
    'allow',
  )({
    doc: 'A message without any header.',
    default: 'allow',
    differs: 'Momentum refuses it.',
    ...restricts,
    loose: ['allow'],
    scopes: G_PW,
  }),
  rfc2822_trace_headers: opt.bool({
    doc: 'Add a Received header, and set Return-Path to the envelope sender.',
    default: true,
    ...restricts,
    loose: [true],
    scopes: G_PW,
  }),
  smtp_extensions: opt.strings({
    doc: 'Keywords offered after EHLO. Unset: everything that can work. Set: PIPELINING, 8BITMIME and exactly these.',
    differs: 'In Momentum unset means PIPELINING and 8BITMIME only.',
    ...restricts,
    scopes: SMTP,
  }),
  static_banner: opt.string({
    doc: 'The whole banner line, beginning with 220.',
    scopes: SMTP,
    check: (text) => (/^220[ -]/.test(text) ? undefined : 'The banner must begin with 220.'),
  }),
};
