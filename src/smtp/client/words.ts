/** What we say in a server's stead when it said nothing, or nothing usable: the words that Momentum's log readers know. */

/** An internal reply of the SMTP client, code first. */
export const WORDS = {
  connectTimeout: '450 4.4.1 [internal] Connection Timed Out',
  noConnection: '451 4.4.1 [internal] No valid hosts (unable to make any connections)',
  unreachable: '421 4.4.0 [internal] no MXs for this domain could be reached at this time',
  blackholed: '554 5.7.0 [internal] Blackholed',
  lookupFailed: '554 5.4.4 [internal] Domain Lookup Failed',
  noHosts: '451 4.4.1 [internal] No valid hosts',
  closed: '451 4.4.2 [internal] connection closed by remote host',
  noBanner: '451 4.4.2 [internal] no banner',
  noEhlo: '451 4.4.2 [internal] no HELO/EHLO response',
  noMailFrom: '451 4.4.2 [internal] no MAIL FROM response',
  noRcptTo: '451 4.4.2 [internal] no RCPT TO response',
  noData: '451 4.4.2 [internal] no DATA response',
  noBody: '451 4.4.2 [internal] no BODY response',
  noRset: '451 4.4.2 [internal] no RSET response',
  bodyFailed: '451 4.4.2 [internal] send BODY failed',
  startTlsFailed: '451 4.7.5 [internal] send STARTTLS failed',
  noGoAhead: '451 4.7.5 [internal] no tls go-ahead',
  tlsFailed: '451 4.7.5 [internal] TLS negotiation failed',
  tlsBarred: '451 4.7.5 [internal] the TLS policy of the domain bars its hosts',
  requireTlsUnproven: '550 5.7.30 [internal] REQUIRETLS needs an MX proven by DNSSEC or MTA-STS',
  requireTlsMissing: '550 5.7.30 [internal] REQUIRETLS support required',
  tlsMissing: '451 4.7.6 [internal] STARTTLS required but not advertised',
  noXclient: '451 4.4.2 [internal] no XCLIENT response',
  xclientFailed: '451 4.4.2 [internal] send XCLIENT failed',
  xclientMissing: '451 4.7.6 [internal] XCLIENT required but not advertised',
  noAuth: '451 4.4.2 [internal] no AUTH response',
  authMissing: '454 4.7.0 [internal] peer does not offer AUTH',
  authInClear: '454 4.7.0 [internal] AUTH needs TLS',
  authGivenUp: '454 4.7.0 [internal] AUTH given up',
  authUnproven: '454 4.7.0 [internal] peer did not prove itself in AUTH',
  utf8Missing: '550 5.6.7 [internal] SMTPUTF8 required but not advertised',
  deliverByMissing: '554 5.3.3 [internal] DELIVERBY required but not advertised',
  timeTooShort: '554 5.4.7 [internal] the time left for delivery is too short for the next server',
  eightBitMissing: '554 5.6.3 [internal] 8BITMIME required but not advertised',
  stopping: '451 4.3.2 [internal] shutting down',
} as const;

/** The reply for a server that refused our credentials, where that is to be tried again. */
export const authRefused = (said: string): string => `454 4.7.8 [internal] AUTH refused: ${said}`;

/** The reply for a server that broke the protocol; the connection is closed. */
export const protocolError = (what: string): string => `451 4.5.0 [internal] protocol_error: ${what}`;
