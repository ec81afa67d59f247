/** Core options that Momentum does not have. */
import { opt } from '../opt.js';
import { G, G_BD, G_PW, G_SMTP, SMTP } from '../scopes.js';

const ours = { origin: 'ours' } as const;
const PASSWORDS = ['pathway_group', 'pathway', 'esmtp_listener', 'listen'] as const;
const limit = { origin: 'ours', effect: 'restricts' } as const;

export const ourOptions = {
  workers: opt.int({
    doc: 'Number of worker processes; unset = 1 on up to two cores, else one less than there are cores.',
    min: 1,
    max: 256,
    reload: 'restart',
    ...ours,
    scopes: G,
  }),
  spool_sync: opt.choice(
    'group',
    'every',
    'none',
  )({
    doc: 'When the spool is forced to the medium: once for all messages that wait, for every single one, or (in tests) never.',
    default: 'group',
    reload: 'restart',
    ...limit,
    scopes: G,
  }),
  console_path: opt.path({
    doc: 'Unix socket of the console where there is no control_listener; unset = no console then.',
    reload: 'restart',
    ...ours,
    scopes: G,
  }),
  speak_lmtp: opt.bool({
    doc: 'Speak LMTP (RFC 2033) on this listener or socket instead of SMTP: LHLO, and a final reply for each recipient.',
    default: false,
    ...limit,
    loose: [false],
    scopes: ['esmtp_listener', 'listen'],
  }),
  max_future_release: opt.seconds({
    doc: 'How long clients may have a message kept back (RFC 4865, HOLDFOR and HOLDUNTIL); 0 = not at all. message_expiration counts from the acceptance all the same, and a restart shortens what is longer than that.',
    default: 0,
    max: 999_999_999,
    ...limit,
    scopes: G_SMTP,
  }),
  rfc2822_duplicate_headers: opt.choice(
    'ignore',
    'reject',
  )({
    doc: 'A message with two From, Date or Message-ID fields: accept it as it is, or refuse it (550 5.6.0).',
    default: 'ignore',
    ...limit,
    loose: ['ignore'],
    scopes: G_PW,
  }),
  proxy_protocol: opt.choice(
    'false',
    'true',
    'v1',
    'v2',
  )({
    doc: 'Connections begin with a header of the PROXY protocol that names the client: of version 1, of version 2, or of either (true). Without a header they are closed. Set it only where nobody but the proxy can connect, or in a peer stanza for the proxy.',
    default: 'false',
    differs: 'In Momentum it has no place in pathways, and no choice of the version.',
    effect: 'restricts',
    loose: ['false'],
    scopes: SMTP,
  }),
  proxy_protocol_timeout: opt.seconds({
    doc: 'How long the header of the PROXY protocol may take.',
    default: 3,
    min: 1,
    differs: 'In Momentum 60 seconds.',
    effect: 'restricts',
    scopes: SMTP,
  }),
  max_hops: opt.int({
    doc: 'Received headers from which on a message is taken to run in circles (554 5.4.6).',
    default: 50,
    min: 1,
    ...limit,
    scopes: G_SMTP,
  }),
  max_header_bytes: opt.size({ doc: 'Largest header block of a message (552).', default: 262_144, min: 1024, ...limit, scopes: G_SMTP }),
  max_header_lines: opt.int({ doc: 'Most lines of a header block (552).', default: 2000, min: 1, ...limit, scopes: G_SMTP }),
  max_command_bytes: opt.size({
    doc: 'Longest command line; AUTH may always have 12288 bytes.',
    default: 2048,
    min: 512,
    ...limit,
    scopes: G_SMTP,
  }),
  soft_errors: opt.int({
    doc: 'Errors of a client after which every answer to one takes a second; 0 = never.',
    default: 10,
    ...limit,
    loose: [0],
    scopes: G_SMTP,
  }),
  hard_errors: opt.int({
    doc: 'Errors of a client after which it gets 421; 0 = never.',
    default: 20,
    ...limit,
    loose: [0],
    scopes: G_SMTP,
  }),
  junk_commands: opt.int({
    doc: 'NOOP, RSET and VRFY a client may send for one message before it is slowed down and then gets 421.',
    default: 100,
    min: 1,
    ...limit,
    scopes: G_SMTP,
  }),
  data_timeout: opt.seconds({ doc: 'Longest time one message may take to arrive.', default: 1800, min: 1, ...limit, scopes: G_SMTP }),
  min_data_rate: opt.int({
    doc: 'Bytes a second a client must send on average while its message arrives; 0 = any.',
    default: 64,
    ...limit,
    loose: [0],
    scopes: G_SMTP,
  }),
  connections_per_client: opt.int({
    doc: 'Connections from one address (or one /64 of IPv6) at one time; relay_hosts are exempt. 0 = no limit.',
    default: 50,
    ...limit,
    loose: [0],
    scopes: G_SMTP,
  }),
  auth_without_tls: opt.bool({
    doc: 'Offer AUTH in clear, so that passwords can be read on the way. Clients on this machine are always offered it.',
    default: false,
    ...limit,
    loose: [false],
    scopes: G_SMTP,
  }),
  authscramparameters: opt.map({
    doc: 'Where SCRAM-SHA-256 finds the (clear text) secrets: uri, log_authentication.',
    ...limit,
    scopes: PASSWORDS,
  }),
  authoauthparameters: opt.map({
    doc: 'Which module checks the access tokens of XOAUTH2 and OAUTHBEARER: uri, log_authentication.',
    ...limit,
    scopes: PASSWORDS,
  }),
  auth_failures_per_client: opt.throttle({
    doc: 'Failed logins from one address (or one /64 of IPv6) before it hears 454 for a while.',
    default: { count: 30, seconds: 600 },
    ...limit,
    scopes: G,
  }),
  auth_failures_per_user: opt.throttle({
    doc: 'Failed logins for one user name before logins for it hear 454 for a while, except from addresses where it succeeded lately.',
    default: { count: 20, seconds: 600 },
    ...limit,
    scopes: G,
  }),
  tlsrpt: opt.bool({
    doc: 'Count how TLS with each domain goes, and send a daily report to domains that ask for it (RFC 8460).',
    default: false,
    ...ours,
    scopes: G,
  }),
  tlsrpt_from: opt.string({
    doc: 'Mailbox that TLS reports come from and that answers questions; unset = postmaster at the hostname. Its domain should sign with DKIM.',
    ...ours,
    scopes: G,
  }),
  tlsrpt_organization: opt.string({ doc: 'Name of the organization in TLS reports; unset = the hostname.', ...ours, scopes: G }),
  binding_weight: opt.int({
    doc: 'Share of a binding when one of its group is chosen: a binding of weight 3 gets three times the mail of one of weight 1; 0 gets none as long as another member can be chosen.',
    default: 1,
    min: 0,
    max: 1_000_000,
    ...ours,
    scopes: ['binding'],
  }),
  deliver_to_private: opt.bool({
    doc: 'Deliver to private and loopback addresses that came from DNS. Those written in the configuration are always allowed.',
    default: false,
    ...limit,
    loose: [false],
    scopes: G_BD,
  }),
};
