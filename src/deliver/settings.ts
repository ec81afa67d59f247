/** The options that delivery reads, by place. */
import type { PlaceParts } from '../module/place.js';

/** "N in any S seconds"; `none` and unset mean no limit. */
export type Pace = { readonly count: number; readonly seconds: number } | 'none' | undefined;

/** Option values of one place, named as in the configuration. Durations in seconds; 0 and −1 of a limit mean none. */
export interface DeliveryValues {
  readonly bind_address?: string | undefined;
  readonly blackhole: 'false' | 'true' | 'inline' | 'internal';
  readonly delivery_method: string;
  readonly ehlo_hostname: string;
  readonly suspend_delivery: boolean;
  readonly xclient: 'no' | 'ifavailable' | 'required';
  readonly send_8bitmime: 'no' | 'ifavailable';
  readonly transform_8bitmime_content: 'no' | 'ifneeded' | 'strict' | 'strip';
  readonly connection_allocation_aggressiveness: number | 'normal' | 'high';
  readonly max_outbound_connections: number;
  readonly scope_max_outbound_connections?: number | undefined;
  readonly server_max_outbound_connections: number;
  readonly max_deliveries_per_connection: number;
  readonly max_recipients_per_connection: number;
  readonly max_recipients_per_batch: number;
  readonly outbound_throttle_connections?: Pace;
  readonly outbound_throttle_messages?: Pace;
  readonly connect_timeout: number;
  readonly ehlo_timeout: number;
  readonly mailfrom_timeout: number;
  readonly rcptto_timeout: number;
  readonly body_timeout: number;
  readonly rset_timeout: number;
  readonly idle_timeout: number;
  readonly tls: 'no' | 'ifavailable' | 'required';
  readonly tls_ca?: string | undefined;
  readonly tls_certificate?: string | undefined;
  readonly tls_ciphers?: string | undefined;
  readonly tls_ifavailable_fallback: boolean;
  readonly tls_key?: string | undefined;
  readonly tls_protocols?: string | undefined;
  readonly tls_verify: 'no' | 'ca' | 'host';
  readonly use_dane: boolean;
  readonly use_mta_sts: boolean;
  readonly connect_timeout_to_delay: number;
  readonly mx_failures_to_delay: number;
  readonly host_failure_retry: number;
  readonly dns_failures_to_purge: number;
  readonly retry_interval: number;
}

export type DeliveryOption = keyof DeliveryValues;

/** Options that are set globally only. */
export interface DeliveryGlobals {
  readonly server_max_outbound_connections: number;
  readonly server_reserve_outbound_connections: number;
  readonly migrate_connections_between_sibling_domains: boolean;
}

/** What delivery needs of a configuration snapshot. */
export interface DeliverySnapshot {
  readonly global: DeliveryGlobals;
  at(where: PlaceParts): DeliveryValues;
  /** Stable name of the scope that wrote an option for a place: shared counters are called by it. */
  scopeKey(option: DeliveryOption, where: PlaceParts): string;
  host(name: string, where: PlaceParts): { readonly max_outbound_connections: number };
}
