/** The counters one connection or message has to pass, by name. Pure. */
import type { Limit } from '../module/permit.js';
import type { Place } from '../module/place.js';
import type { DeliverySnapshot, Pace } from './settings.js';

/** Key of the counter of connections to one host. */
export const hostKey = (host: string): string => `connections/host/${host.toLowerCase()}`;

/** Key of the whole server's counter, and of the reserve for places that have no connection. */
export const SERVER_KEY = 'connections/server';
const RESERVE_KEY = 'connections/server/reserve';

const slots = (key: string, limit: number | undefined): readonly Limit[] =>
  limit !== undefined && limit > 0 ? [{ kind: 'slots', key, limit }] : [];

const pace = (key: string, value: Pace): readonly Limit[] =>
  value === undefined || value === 'none' ? [] : [{ kind: 'rate', key, count: value.count, seconds: value.seconds }];

/** The limits of connections of a place that do not depend on the host: worked out once a snapshot. */
export class PlaceLimits {
  /** Held by every connection of the place, an adopted one too. */
  readonly held: readonly Limit[];
  /** Taken when a connection is opened. */
  readonly opening: readonly Limit[];
  /** Taken for every message. */
  readonly message: readonly Limit[];
  readonly server: Limit;
  readonly reserve: Limit | undefined;

  constructor(snapshot: DeliverySnapshot, place: Place) {
    const values = snapshot.at(place);
    const { global } = snapshot;
    const scopeOf = (option: Parameters<DeliverySnapshot['scopeKey']>[0]): string => snapshot.scopeKey(option, place);
    const serverScope = scopeOf('server_max_outbound_connections');
    const ofBinding =
      serverScope === 'global' || serverScope === 'default'
        ? []
        : slots(`connections/server/${serverScope}`, values.server_max_outbound_connections);
    this.held = [
      ...slots(`connections/place/${place.group}/${place.binding}/${place.domain}`, values.max_outbound_connections),
      ...slots(`connections/scope/${scopeOf('scope_max_outbound_connections')}`, values.scope_max_outbound_connections),
      ...ofBinding,
    ];
    this.opening = pace(`rate/connections/${scopeOf('outbound_throttle_connections')}`, values.outbound_throttle_connections);
    this.message = pace(`rate/messages/${scopeOf('outbound_throttle_messages')}`, values.outbound_throttle_messages);
    this.server = { kind: 'slots', key: SERVER_KEY, limit: global.server_max_outbound_connections };
    const reserve = global.server_reserve_outbound_connections;
    this.reserve = reserve > 0 ? { kind: 'slots', key: RESERVE_KEY, limit: reserve } : undefined;
  }

  /** All limits of one connection to a host with this limit of its own (0 and below: none). */
  forConnection(host: string, hostLimit: number, isOpening: boolean, fromReserve: boolean): readonly Limit[] {
    const server = fromReserve && this.reserve ? this.reserve : this.server;
    const all = [...this.held, server];
    if (hostLimit > 0) all.push({ kind: 'slots', key: hostKey(host), limit: hostLimit });
    // Rates come last: they are only spent when every slot was there.
    return isOpening ? [...all, ...this.opening] : all;
  }
}
