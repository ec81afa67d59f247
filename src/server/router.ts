/** Names to hops: the resolver of this machine, what it finds, and the options and modules that go before it. */
import { randomInt } from 'node:crypto';
import type { Snapshot } from '../config/snapshot.js';
import { HopRouter } from '../deliver/route.js';
import { RouteFinder } from '../dns/find-route.js';
import { openResolver } from '../dns/open.js';
import type { Resolver } from '../dns/resolver.js';
import type { Clock } from '../kernel/clock.js';
import type { Chains } from '../module/hook-set.js';
import type { DnsSockets, ServiceOf } from '../module/service.js';
import { TlsHouse, type TlsHousePorts } from './tls-house.js';

export interface RouterPorts extends Pick<TlsHousePorts, 'root' | 'hostname' | 'inject' | 'leads'> {
  readonly clock: Clock;
  snapshot(): Snapshot;
  chains(): Chains;
  isSelf(ip: string, port: number): boolean;
  log(room: 'dns' | 'tls', level: 'info' | 'warning' | 'error', text: string, cause?: unknown): void;
}

export interface Routing {
  readonly router: HopRouter;
  readonly resolver: Resolver;
  readonly tls: TlsHouse;
  /** What modules may do with the sockets of queries. */
  readonly dnsSockets: ServiceOf<typeof DnsSockets>;
}

export function makeRouter(ports: RouterPorts): Routing {
  const { clock } = ports;
  const log = (level: 'warning' | 'error', text: string): void => ports.log('dns', level, text);
  const { resolver, conf, wire } = openResolver({
    clock,
    resolvConf: () => ports.snapshot().global.resolv_conf,
    settings: () => {
      const { min_dns_ttl, max_dns_ttl, dns_fallback_to_tcp, dns_cache_purge_interval } = ports.snapshot().global;
      return {
        minTtlSeconds: min_dns_ttl,
        maxTtlSeconds: max_dns_ttl,
        tcpFallback: dns_fallback_to_tcp,
        purgeSeconds: dns_cache_purge_interval,
      };
    },
    notice: (text) => log('warning', text),
  });
  const finder = new RouteFinder({
    resolver,
    clock,
    random: (below) => randomInt(below),
    keepAddressOrder: () => conf().sortlist.length > 0,
    hostAddresses: (host, v6) => ports.chains().addresses.run(host, v6),
  });
  const tls = new TlsHouse({
    ...ports,
    resolver,
    resolvConf: conf,
    log: (level, text, cause) => ports.log('tls', level, text, cause),
  });
  const router = new HopRouter({
    clock,
    snapshot: () => ports.snapshot(),
    routes: (place) => ports.chains().routes.run(place),
    finder,
    isSelf: ports.isSelf,
    demands: tls.demands,
    log,
  });
  const dnsSockets: Routing['dnsSockets'] = {
    size: (buffers) => {
      wire.buffers = buffers;
    },
    leave: (buffers) => {
      if (wire.buffers === buffers) wire.buffers = undefined;
    },
    measure: () =>
      Promise.all(conf().servers.map(async (server) => ({ server: `${server.ip}:${server.port}`, ...(await wire.measure(server)) }))),
  };
  return { router, resolver, tls, dnsSockets };
}
