/** The namespace of tls_macros and its names. */

export const NAMESPACE = 'outbound_tls';

export const NAMES = [
  'outbound_tls',
  'outbound_tls_type',
  'local_ip',
  'outbound_local_ip',
  'outbound_tls_cipher',
  'outbound_tls_cipher_algbits',
  'outbound_tls_cipher_usebits',
  'outbound_tls_protocol',
  'outbound_tls_verified',
  'outbound_tls_issuer',
  'outbound_tls_subject',
] as const;

export type Name = (typeof NAMES)[number];
