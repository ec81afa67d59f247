/** What the daemon lends to module instances: time, options, and the core's services behind their tokens. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { formatOneLine } from '../mail/reply.js';
import { bodyOf } from '../module/copy.js';
import type { Guard } from '../module/engine.js';
import type { Lends, OptionValues } from '../module/lends.js';
import {
  Bounces,
  Caches,
  Dns,
  DnsSockets,
  Injection,
  type Made,
  Probes,
  type Service,
  Sockets,
  Waiting,
  Writers,
} from '../module/service.js';
import type { Session } from '../module/session.js';
import { type Lent, lendBounces } from './bounces.js';
import type { Daemon } from './daemon.js';
import { inboundWhere } from './rules.js';

/** Longest time all handlers of one hook may take together; clients leave later than that. */
const RUN_LIMIT_MS = 60_000;

export function makeLends(daemon: Daemon): Lends {
  const { team } = daemon.seat;
  // Made when first asked for: the daemon is still being put together now.
  let services: ReadonlyMap<Service<unknown>, unknown> | undefined;
  return {
    clock: daemon.clock,
    guard: makeGuard(daemon),
    service: (token) => (services ??= makeServices(daemon)).get(token),
    global: () => daemon.snapshot.global,
    outbound: (where) => daemon.snapshot.at(where),
    inbound: (session) => daemon.snapshot.inbound(inboundWhere(session)),
    scoped: (module, where) => findScoped(daemon, module, where),
    logged: (record) => daemon.journal.record(record),
    count: (name, labels) => daemon.counters.add(name, labels),
    joint: team && {
      leads: () => team.leads,
      pass: (key, args) => team.pass(key, args),
      add: (tally, n) => team.add(tally, n),
      read: (tally) => team.read(tally),
    },
    readFile: (name) => fs.readFile(path.resolve(path.dirname(daemon.file), name)),
  };
}

function makeGuard(daemon: Daemon): Guard {
  return {
    watch: daemon.watch,
    mono: () => daemon.clock.mono(),
    runLimitMs: RUN_LIMIT_MS,
    failed: (placed, error) => daemon.journal.say('error', placed.owner, `the handler of ${placed.hook.name} failed`, error),
  };
}

function makeServices(daemon: Daemon): ReadonlyMap<Service<unknown>, unknown> {
  return new Map<Service<unknown>, unknown>([
    [Waiting, makeWaiting(daemon)],
    [Bounces, lendBounces(daemon.classifier)],
    [Writers, daemon.writers],
    [Caches, { clear: (name: string) => daemon.registry.caches.clear(name), names: () => daemon.registry.caches.names() }],
    [Dns, daemon.resolver],
    [DnsSockets, daemon.dnsSockets],
    [Probes, daemon.probes],
    [Sockets, { listening: () => listOwnSockets(daemon) }],
    [Injection, { inject: (made: Made, how: { protocol: 'internal' | 'rest' }) => inject(daemon, made, how.protocol) }],
  ]);
}

const makeWaiting = (daemon: Daemon): Lent<typeof Waiting> => ({
  roll: (from, most) => daemon.queue.roll(from, most),
  read: (ticket) => daemon.queue.peek(ticket),
  tellDelay: (mail) => daemon.tellDelay(mail),
});

const listOwnSockets = (daemon: Daemon): readonly { readonly ip: string; readonly port: number }[] =>
  daemon.listeners.addresses().flatMap(({ address }) => (address.kind === 'tcp' ? [{ ip: address.host, port: address.port }] : []));

async function inject(daemon: Daemon, made: Made, protocol: 'internal' | 'rest'): Promise<{ reply: string; ids: readonly string[] }> {
  const bytes = Buffer.from(made.bytes);
  const end = bytes.indexOf('\r\n\r\n');
  const { reply, copies } = await daemon.entrance.inject({
    sender: made.sender,
    recipients: made.recipients,
    headers: end < 0 ? bytes : bytes.subarray(0, end + 4),
    content: bodyOf([end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4)]),
    protocol,
    notice: false,
  });
  return { reply: formatOneLine(reply), ids: copies.map(({ id }) => id) };
}

function findScoped(daemon: Daemon, module: string, where: object | Session): OptionValues {
  const plan = daemon.registry.current.instances.find((instance) => instance.plan.manifest.name === module)?.plan;
  if (!plan) return {};
  return daemon.snapshot.moduleValues(plan.manifest, 'peer' in where ? inboundWhere(where) : where);
}
