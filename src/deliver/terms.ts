/** From the options of a place and a hop to the terms of a connection. Pure. */
import type { SecureContext } from 'node:tls';
import type { RankedHop } from '../module/resolver.js';
import type { ClientTerms } from '../smtp/client/terms.js';
import type { ClientTlsSettings } from '../smtp/client/tls-contexts.js';
import type { Persona } from './persona.js';
import type { DeliveryValues } from './settings.js';

export interface TermsFacts {
  readonly hop: RankedHop;
  readonly persona: Persona;
  /** Address it comes from; '' for the system's choice. */
  readonly source: string;
  /** TLS with this hop failed lately and may be left out. */
  readonly isPlain: boolean;
  readonly tlsContext: SecureContext | undefined;
}

const DOWNGRADES = { no: 'no', ifneeded: 'encode', strict: 'no', strip: 'strip' } as const;

export function makeTerms(values: DeliveryValues, { hop, persona, source, isPlain, tlsContext }: TermsFacts): ClientTerms {
  return {
    hop,
    source: source === '' ? undefined : source,
    lmtp: values.delivery_method === 'lmtp',
    helo: persona.helo,
    xclient: values.xclient,
    origin: persona.origin,
    login: persona.identity?.login,
    tls: levelOf(values, hop, isPlain),
    tlsFallback: values.tls_ifavailable_fallback,
    tlsVerify: values.tls_verify,
    demand: hop.demand,
    vouched: hop.vouched,
    tlsContext,
    sendEightBit: values.send_8bitmime === 'ifavailable',
    downgrade: DOWNGRADES[values.transform_8bitmime_content],
    strictEightBit: values.transform_8bitmime_content === 'strict',
    timeouts: {
      connectMs: values.connect_timeout * 1000,
      ehloMs: values.ehlo_timeout * 1000,
      mailFromMs: values.mailfrom_timeout * 1000,
      rcptToMs: values.rcptto_timeout * 1000,
      bodyMs: values.body_timeout * 1000,
      rsetMs: values.rset_timeout * 1000,
      idleMs: values.idle_timeout * 1000,
    },
  };
}

/**
 * How far TLS goes with a hop: its domain's demand raises what the options say and never lowers it. A policy that is only
 * tested is tried where it can be, and nothing waits for it.
 */
export function levelOf({ tls }: Pick<DeliveryValues, 'tls'>, { demand }: RankedHop, isPlain: boolean): 'no' | 'ifavailable' | 'required' {
  if (demand?.enforced) return 'required';
  if (tls === 'required') return tls;
  if (isPlain) return 'no';
  return demand ? 'ifavailable' : tls;
}

/** What the TLS context of a place is made from. `none` removes an inherited certificate. */
export const tlsSettingsOf = (values: DeliveryValues): ClientTlsSettings => ({
  certificate: values.tls_certificate === 'none' ? undefined : values.tls_certificate,
  key: values.tls_key,
  authorities: values.tls_ca,
  ciphers: values.tls_ciphers,
  protocols: values.tls_protocols,
});

/** What decides whether a handshake with a host succeeds: the name we ask for, all our TLS settings, and what its domain demands. */
export const tlsKey = (values: DeliveryValues, hop: RankedHop): string =>
  [
    hop.name,
    values.tls_verify,
    values.tls_certificate ?? '',
    values.tls_key ?? '',
    values.tls_ca ?? '',
    values.tls_ciphers ?? '',
    values.tls_protocols ?? '',
    hop.demand?.digest ?? '',
  ].join('|');

/**
 * What two connections must have in common to stand in for each other: the hop by address and name (certificates are checked
 * against the name), the source, our name, the protocol, who brought the mail where the server is told, whom we log in as, everything about TLS, and
 * whether the host is proven to be one of the domain's.
 */
export const poolKey = (values: DeliveryValues, hop: RankedHop, source: string, { helo, origin, identity }: Persona): string =>
  [
    hop.ip,
    hop.port,
    tlsKey(values, hop),
    source,
    helo,
    values.delivery_method === 'lmtp',
    values.tls,
    values.tls_ifavailable_fallback,
    values.xclient,
    origin?.key ?? '',
    identity?.key ?? '',
    hop.vouched === true,
  ].join('|');
