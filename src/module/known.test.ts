import { describe, expect, it } from 'vitest';
import { knownModules } from './known.js';

/** The documented modules that carry each flag, as the manuals list them. */
const FLAGGED = {
  singleton:
    'adaptive alerting apn as_logger auth_ds auth_radius beik bounce_classifier_override bzip2io cidrdb cloudmark cluster compress_spool ds_core eleven fbl gcm gzipio http_io httpsrv icu ilf_logger inbound_audit jlog mm7 mm7_serv msgc_client msgc_server persist_io pipe_io response_transcode restinjector sched securecreds smpp spf_macros syslog_io',
  autoload:
    'antivirus auth_ds bzip2io cidrdb compress_spool custom_bounce_logger ds_core gzipio http_io icu jlog mm7 persist_io pipe_io response_transcode smtp_auth_proxy spf_macros static_routes syslog_io',
  cluster: 'as_logger cluster inbound_audit msgc_client msgc_server outbound_audit',
  validates:
    'alias antivirus beik brightmail cidrdb clamav cloudmark commtouch_ctasd conntrol csapi dk_sign dk_validate dkim_sign dkim_validate eleven fingerprint imageanalyzer inbound_audit mail_loop opendkim reception_timing seedlist senderid smtp_cbv url_ripper',
  deprecated: 'bounce_classifier',
} as const;

const PLAIN =
  'live_bounce_updates ac_auth apn_logger bind_address_secondary bounce_logger chunk_logger custom_logger delay_dsn dnsbuf ec_logger exim_logger gcm_logger ipv6_lookup maildir mms_bounce_logger mms_logger mxip outbound_smtp_auth pipe_transport postfix_logger scriptlet sendmail_logger smpp_bounce_logger smpp_logger smtp_rcptto_proxy spf_v1 suppress_spool tls_macros';

describe('the known modules', () => {
  it('are the 90 of the manuals', () => {
    const named = new Set([...Object.values(FLAGGED), PLAIN].flatMap((names) => names.split(' ')));
    expect(named.size).toBe(90);
    expect([...knownModules.keys()].sort()).toEqual([...named].sort());
  });

  it.each(Object.entries(FLAGGED))('are %s exactly where the manuals say so', (flag, names) => {
    const found = [...knownModules.values()].filter((module) => module[flag as keyof typeof FLAGGED]);
    expect(found.map(({ name }) => name).sort()).toEqual(names.split(' ').sort());
  });

  it('each have a sentence', () => {
    for (const { name, summary } of knownModules.values()) expect(summary, name).toMatch(/^[\p{L}].{5,}\.$/u);
  });
});
