/** The 90 documented modules and what the manuals say of each: whether it may stand once only, loads by itself, needs a cluster, takes part in validation. */

export interface KnownModule {
  readonly name: string;
  readonly summary: string;
  /** One stanza without a name. */
  readonly singleton: boolean;
  /** Loads when one of its options, schemes or services is used. */
  readonly autoload: boolean;
  readonly cluster: boolean;
  /** Its hooks can be switched off for a connection by `__bypass_<name>`. */
  readonly validates: boolean;
  readonly deprecated: boolean;
}

type Flag = 'singleton' | 'autoload' | 'cluster' | 'validates' | 'deprecated';

const known = (name: string, summary: string, ...flags: Flag[]): KnownModule => ({
  name,
  summary,
  singleton: flags.includes('singleton'),
  autoload: flags.includes('autoload'),
  cluster: flags.includes('cluster'),
  validates: flags.includes('validates'),
  deprecated: flags.includes('deprecated'),
});

const TABLE: readonly KnownModule[] = [
  known('live_bounce_updates', 'Keep the bounce rules up to date.'),
  known('ac_auth', 'Let a Lua policy answer authentication.'),
  known('adaptive', 'Tune delivery by what receivers answer.', 'singleton'),
  known('alerting', 'Alerts for Lua policy.', 'singleton'),
  known('alias', 'Replace recipients by the addresses a datasource gives.', 'validates'),
  known('antivirus', 'Frame for virus scanners.', 'autoload', 'validates'),
  known('apn', 'Apple push notifications.', 'singleton'),
  known('apn_logger', 'Log of Apple push notifications.'),
  known('as_logger', 'Write replicated audit series to disk.', 'singleton', 'cluster'),
  known('auth_ds', 'Authenticate by a datasource.', 'singleton', 'autoload'),
  known('auth_radius', 'Authenticate by RADIUS.', 'singleton'),
  known('beik', 'Spam engine inside the process.', 'singleton', 'validates'),
  known('bind_address_secondary', 'A second source address, of the other IP version.'),
  known('bounce_classifier', 'Old name of bounce_classifier_override.', 'deprecated'),
  known('bounce_classifier_override', 'Change how bounces are classed.', 'singleton'),
  known('bounce_logger', 'Log of bounces.'),
  known('brightmail', 'Spam verdicts from a scanning server.', 'validates'),
  known('bzip2io', 'bzip2 for spool and files.', 'singleton', 'autoload'),
  known('chunk_logger', 'Free-form log lines from policies.'),
  known('cidrdb', 'Address look-ups for policies.', 'singleton', 'autoload', 'validates'),
  known('clamav', 'Scan with ClamAV.', 'validates'),
  known('cloudmark', 'Spam scores from Cloudmark Authority.', 'singleton', 'validates'),
  known('cluster', 'Nodes that work together.', 'singleton', 'cluster'),
  known('commtouch_ctasd', 'Spam verdicts from a ctasd server.', 'validates'),
  known('compress_spool', 'Compress large messages in the spool.', 'singleton', 'autoload'),
  known('conntrol', 'Greeting delay and early talkers.', 'validates'),
  known('csapi', 'Scan through ICAP.', 'validates'),
  known('custom_bounce_logger', "Bounce log with a text of one's own.", 'autoload'),
  known('custom_logger', "Logs in formats of one's own."),
  known('delay_dsn', 'Notices about mail that is still waiting.'),
  known('dk_sign', 'DomainKeys signatures.', 'validates'),
  known('dk_validate', 'Check DomainKeys signatures.', 'validates'),
  known('dkim_sign', 'Put DKIM signatures on outbound mail.', 'validates'),
  known('dkim_validate', 'Check DKIM signatures.', 'validates'),
  known('dnsbuf', 'Socket buffers of the resolver.'),
  known('ds_core', 'Named query caches over datasources.', 'singleton', 'autoload'),
  known('ec_logger', 'The main, reject, panic, account and import logs.'),
  known('eleven', 'Spam categories from eXpurgate.', 'singleton', 'validates'),
  known('exim_logger', 'Logs as Exim writes them.'),
  known('fbl', 'Feedback loops.', 'singleton'),
  known('fingerprint', "Guess a client's system from its packets.", 'validates'),
  known('gcm', 'Google cloud messages.', 'singleton'),
  known('gcm_logger', 'Log of Google cloud messages.'),
  known('gzipio', 'gzip for spool and files.', 'singleton', 'autoload'),
  known('http_io', 'Read what a URL gives.', 'singleton', 'autoload'),
  known('httpsrv', 'HTTP server of the APIs.', 'singleton'),
  known('icu', 'Charset conversion.', 'singleton', 'autoload'),
  known('ilf_logger', 'Usage counts.', 'singleton'),
  known('imageanalyzer', 'Verdicts on pictures.', 'validates'),
  known('inbound_audit', 'Counters by sending address.', 'singleton', 'cluster', 'validates'),
  known('ipv6_lookup', 'AAAA beside A for mail exchangers.'),
  known('jlog', 'Journaled logs with subscribers.', 'singleton', 'autoload'),
  known('mail_loop', 'Stop mail loops.', 'validates'),
  known('maildir', 'Store mail in Maildir folders.'),
  known('mm7', 'Send MMS over MM7.', 'singleton', 'autoload'),
  known('mm7_serv', 'Take MM7 requests.', 'singleton'),
  known('mms_bounce_logger', 'Bounce log of MMS.'),
  known('mms_logger', 'Log of MMS.'),
  known('msgc_client', "A node's link to the group bus.", 'singleton', 'cluster'),
  known('msgc_server', 'The group bus.', 'singleton', 'cluster'),
  known('mxip', 'Mail exchangers that are bare addresses.'),
  known('opendkim', 'Sign and check DKIM by policy.', 'validates'),
  known('outbound_audit', 'Time series by destination.', 'cluster'),
  known('outbound_smtp_auth', 'Log in to the next hop.'),
  known('persist_io', 'Keep the last good copy of any source.', 'singleton', 'autoload'),
  known('pipe_io', 'Write to a program.', 'singleton', 'autoload'),
  known('pipe_transport', 'Hand each message to a program.'),
  known('postfix_logger', 'Logs as Postfix writes them.'),
  known('reception_timing', 'How long reception took.', 'validates'),
  known('response_transcode', 'Rewrite replies of remote servers.', 'singleton', 'autoload'),
  known('restinjector', 'Inject mail by REST.', 'singleton'),
  known('sched', 'Console commands by the clock.', 'singleton'),
  known('scriptlet', 'Lua policy.'),
  known('securecreds', 'Encrypted credentials.', 'singleton'),
  known('seedlist', 'Copy campaigns to seed addresses.', 'validates'),
  known('senderid', 'Sender ID (spf2.0).', 'validates'),
  known('sendmail_logger', 'Logs as sendmail writes them.'),
  known('smpp', 'SMS over SMPP.', 'singleton'),
  known('smpp_bounce_logger', 'Bounce log of SMPP.'),
  known('smpp_logger', 'Log of SMPP.'),
  known('smtp_auth_proxy', 'Check log-ins against another SMTP server.', 'autoload'),
  known('smtp_cbv', "Call back the sender's mail exchanger.", 'validates'),
  known('smtp_rcptto_proxy', 'Ask an inside server whether a recipient exists.'),
  known('spf_macros', 'SPF macro expansion.', 'singleton', 'autoload'),
  known('spf_v1', 'Check SPF.'),
  known('static_routes', 'Send everything to one address and port.', 'autoload'),
  known('suppress_spool', 'Keep new mail off the disk for a while.'),
  known('syslog_io', 'Write to syslog.', 'singleton', 'autoload'),
  known('tls_macros', 'TLS facts for logs.'),
  known('url_ripper', 'Look up what a message links to.', 'validates'),
];

/** By stanza name. */
export const knownModules: ReadonlyMap<string, KnownModule> = new Map(TABLE.map((module) => [module.name, module]));
