/** What the console may see and do of a running daemon. */
import type { Desk } from '../console/desk.js';
import { DEFAULT_NAME } from '../module/place.js';
import type { Daemon } from './daemon.js';
import { reload } from './reload.js';
import { PRODUCT, VERSION } from './version.js';

export function makeDesk(daemon: Daemon): Desk {
  const { team } = daemon.seat;
  return {
    product: PRODUCT,
    version: VERSION,
    startedAt: daemon.startedAt,
    pid: team?.pid ?? process.pid,
    now: () => daemon.clock.now(),
    queue: daemon.queue,
    spool: daemon.spool,
    totals: () => daemon.counters,
    resetTotals: () => daemon.counters.reset(),
    counters: () => daemon.counters.named(),
    snapshot: () => daemon.snapshot,
    reload: (file) => team?.reload(file) ?? reload(daemon, file),
    instances: () => daemon.registry.current.instances,
    hooks: () => daemon.registry.current.hooks,
    moduleCommands: () => daemon.registry.current.commands,
    recent: () => daemon.journal.recent(),
    reopenLogs: () => daemon.chains.log_reopen.run(),
    stop: () => (team ? team.stop() : daemon.askStop()),
    waits: () => team?.waits() ?? daemon.waits(),
    sessions: () => daemon.smtp.sessions,
    outboundConnections: () => daemon.delivery.totals().connections,
    route: async (domain, signal) => daemon.router.route(daemon.places.of(DEFAULT_NAME, DEFAULT_NAME, domain), signal),
    forgetRoutes: (domain) => {
      daemon.resolver.flush(domain);
      daemon.router.forget(domain ?? '');
    },
    connections: () => daemon.delivery.totals().connections,
    loading: () => daemon.loading,
    unknownBounces: () => ({ total: daemon.classifier.unknowns.total, list: daemon.classifier.unknowns.list() }),
    forgetUnknownBounces: () => daemon.classifier.unknowns.clear(),
    explainBounce: (reply) => daemon.classifier.explain(reply),
    clearCache: (name) => daemon.registry.caches.clear(name),
    caches: () => daemon.registry.caches.sizes(),
  };
}
