/** Options and stanzas of modules that may not be part of this build: so that the answer is the module's name, not "unknown". */

const bounded = [
  'body_timeout',
  'ehlo_timeout',
  'idle_timeout',
  'mailfrom_timeout',
  'rcptto_timeout',
  'rset_timeout',
  'max_deliveries_per_connection',
  'max_outbound_connections',
  'max_recipients_per_batch',
  'max_recipients_per_connection',
  'max_resident_active_queue',
  'max_retries',
  'max_retry_interval',
  'outbound_throttle_messages',
  'retry_interval',
];

const plain = [
  'enabled',
  'scope',
  'adjustment_interval',
  'positive_adjustment_interval',
  'attempt_threshold',
  'fbl_volume_threshold',
  'default_suspension',
  'default_suspension_enabled',
  'rejection_rate_suspension_percentage',
  'retry_fuzz',
  'notification_interval',
  'notification_events',
  'sweep_rule_enabled',
  'alert_email_sender',
  'alert_email_destination',
];

const owners: readonly (readonly [module: string, names: readonly string[]])[] = [
  ['adaptive', [...bounded, ...plain].map((name) => `adaptive_${name}`)],
  ['apn', ['apn_expiry']],
  ['dkim_sign', ['dkim']],
  ['dk_sign', ['domainkeys']],
  ['fbl', ['enable_fbl_header_insertion']],
  ['gcm', ['gcm_application_id', 'gcm_authorization_token_id', 'gcm_delay_while_idle', 'gcm_dry_run', 'gcm_ttl']],
  ['mm7', ['http_basic_auth', 'http_host', 'http_method', 'http_uri', 'http_version']],
  ['opendkim', ['opendkim_sign']],
];

/** The module an option belongs to, by the option's name. */
export const foreignOptions: ReadonlyMap<string, string> = new Map(
  owners.flatMap(([module, names]) => names.map((name) => [name, module] as const)),
);

/** The module a stanza belongs to, by the stanza's keyword. */
export const foreignStanzas: ReadonlyMap<string, string> = new Map([
  ['adaptive_sweep_rule', 'adaptive'],
  ['adaptive_backstore_leveldb', 'adaptive'],
  ['adaptive_backstore_riak', 'adaptive'],
  ['datasource', 'ds_core'],
]);

/** Options of services that cannot exist here, with the reason. */
export const refusedOptions: ReadonlyMap<string, string> = new Map([
  ['xmpp_dialback_secret', 'XMPP is not served.'],
  ['xmpp_role', 'XMPP is not served.'],
]);
