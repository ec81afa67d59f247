/** What the console may see and do of a running daemon. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { printSocketAddress } from '../config/socket-address.js';
import type { Desk, SocketDesk, TlsDesk } from '../console/desk.js';
import { DEFAULT_NAME } from '../module/place.js';
import { rebindPlace } from '../receive/placement.js';
import { expiryOf } from '../tlspolicy/sts-store.js';
import type { Daemon } from './daemon.js';
import { reload } from './reload.js';
import { makeRules } from './rules.js';
import { PRODUCT, VERSION } from './version.js';

/** What node wants of keys for session tickets. */
const TICKET_KEYS_BYTES = 48;

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
    bindingTotals: () => daemon.counters.byBinding(),
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
    traces: {
      add: (binding, domain, file) =>
        daemon.traces.add(binding, domain, path.resolve(path.dirname(daemon.file), file), daemon.snapshot.global.trace_smtp_mode),
      list: () => daemon.traces.list(),
      remove: (id) => daemon.traces.remove(id),
    },
    outbound: () => daemon.delivery.rows(),
    lookUp: (name, type, signal) => daemon.resolver.any(name, type, signal),
    dnsStats: () => daemon.resolver.stats(),
    route: async (domain, signal) => daemon.router.route(daemon.places.of(DEFAULT_NAME, DEFAULT_NAME, domain), signal),
    forgetRoutes: (domain) => {
      daemon.resolver.flush(domain);
      daemon.router.forget(domain ?? '');
    },
    connections: () => daemon.delivery.totals().connections,
    tls: makeTlsDesk(daemon),
    sockets: makeSocketDesk(daemon),
    rebinder: () => {
      const { bindings } = makeRules(daemon.snapshot, daemon.chains);
      return async (mail) => rebindPlace(mail, await daemon.chains.assign.run(mail), bindings, daemon.places, Math.random);
    },
    loading: () => daemon.loading,
    unknownBounces: () => ({ total: daemon.classifier.unknowns.total, list: daemon.classifier.unknowns.list() }),
    forgetUnknownBounces: () => daemon.classifier.unknowns.clear(),
    explainBounce: (reply) => daemon.classifier.explain(reply),
    clearCache: (name) => daemon.registry.caches.clear(name),
    caches: () => daemon.registry.caches.sizes(),
  };
}

function makeTlsDesk({ delivery, tls, contexts }: Daemon): TlsDesk {
  return {
    memory: () => delivery.tlsMemory(),
    forgetMemory: () => delivery.forgetTls(),
    rekey: () => contexts.rekey(randomBytes(TICKET_KEYS_BYTES)),
    policies: () => tls.sts.domains(),
    policy: async (domain) => {
      const kept = await tls.sts.show(domain);
      return kept && { ...kept.policy, id: kept.id, fetchedAt: kept.fetchedAt, expiresAt: expiryOf(kept) };
    },
    forgetPolicy: async (domain) => void (await tls.sts.forget(domain)),
    report: () => tls.reporter.send(),
  };
}

function makeSocketDesk({ listeners, smtp, seat }: Daemon): SocketDesk {
  return {
    list: () =>
      listeners.list().map(({ door: { stanza, listen }, address, enabled, open }) => ({
        stanza,
        listen,
        address: printSocketAddress(address),
        state: open ? 'on' : 'off',
        configured: enabled ? 'on' : 'off',
        sessions: smtp.count(stanza, listen),
      })),
    turn: async (on, stanza, listen) => {
      // Where others have the sockets open too: they are bound, or given up, for all of us first.
      await seat.team?.turn(on, stanza, listen);
      await listeners.turn(on, stanza, listen);
      if (!on) smtp.drain(stanza, listen);
    },
  };
}
