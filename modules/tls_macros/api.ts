/** The namespace of tls_macros and its names. */
import type { Service } from '#module';

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

/** Stands for a tls_macros of the same configuration: the book of macros still has the namespace of the one before while a reload begins. */
export const Running: Service<true> = { name: 'macros', module: 'tls_macros' };

export type Name = (typeof NAMES)[number];
