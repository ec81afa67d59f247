/** The kinds of scope an option may stand in, and the common sets of them. */

/** `global` is the file itself; every other is the keyword of its stanza. */
export type Scope =
  | 'global'
  | 'binding_group'
  | 'binding'
  | 'domain'
  | 'host'
  | 'pathway_group'
  | 'pathway'
  | ListenerKind
  | 'listen'
  | 'peer';

export type ListenerKind =
  | 'esmtp_listener'
  | 'http_listener'
  | 'ecstream_listener'
  | 'control_listener'
  | 'eccluster_listener'
  | 'xmpp_listener'
  | 'msgcserver_listener';

/** The scopes of sending, least specific first. */
export type OutboundScope = 'global' | 'binding_group' | 'binding' | 'domain';

/** The scopes of receiving, least specific first. */
export type InboundScope = 'global' | 'pathway_group' | 'pathway' | ListenerKind | 'listen' | 'peer';

export const G = ['global'] as const;
export const G_B = ['global', 'binding_group', 'binding'] as const;
export const G_D = ['global', 'domain'] as const;
export const G_BD = ['global', 'binding_group', 'binding', 'domain'] as const;
export const G_PW = ['global', 'pathway_group', 'pathway'] as const;

/** Pathways, the SMTP listener, its sockets and peers. */
export const SMTP = ['pathway_group', 'pathway', 'esmtp_listener', 'listen', 'peer'] as const;
export const G_SMTP = ['global', ...SMTP] as const;
export const HTTP = ['pathway_group', 'pathway', 'http_listener', 'listen', 'peer'] as const;
export const ECSTREAM = ['pathway_group', 'pathway', 'ecstream_listener', 'listen', 'peer'] as const;

/** Listeners that own sockets, and their listen stanzas. */
export const SOCKETS = [
  'esmtp_listener',
  'http_listener',
  'ecstream_listener',
  'control_listener',
  'eccluster_listener',
  'xmpp_listener',
  'listen',
] as const;

/** Where certificates of the server side are set. */
export const TLS_SERVER = [
  'pathway_group',
  'pathway',
  'esmtp_listener',
  'http_listener',
  'ecstream_listener',
  'xmpp_listener',
  'listen',
  'peer',
] as const;

export const OUTBOUND_SCOPES: readonly OutboundScope[] = ['global', 'binding_group', 'binding', 'domain'];

export const LISTENER_KINDS: readonly ListenerKind[] = [
  'esmtp_listener',
  'http_listener',
  'ecstream_listener',
  'control_listener',
  'eccluster_listener',
  'xmpp_listener',
  'msgcserver_listener',
];
