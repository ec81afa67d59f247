/** A registry over a clock that stands still, for tests: what modules say, count and fail with is kept to be looked at. */
import type { InboundValues } from '../config/snapshot.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Watch } from '../kernel/watch.js';
import { Facts } from '../mail/facts.js';
import type { Lends } from './lends.js';
import { defineModule, type Manifest } from './manifest.js';
import type { Plan } from './plan.js';
import { Registry } from './registry.js';
import type { LogRecord } from './reports.js';
import type { Session } from './session.js';
import { FAIL_CLOSED } from './verdict.js';

/** A registry, what surrounds it, and what it was heard to say. */
export interface Rehearsal {
  readonly clock: VirtualClock;
  readonly lends: Lends;
  readonly registry: Registry;
  readonly said: LogRecord[];
  readonly faults: string[];
  readonly counts: Map<string, number>;
}

/** Opens a registry; `more` takes the place of what the core would lend. */
export function rehearse(more: Partial<Lends> = {}): Rehearsal {
  const clock = new VirtualClock();
  const said: LogRecord[] = [];
  const faults: string[] = [];
  const counts = new Map<string, number>();
  const missing = (what: string) => () => {
    throw new Error(`nobody lent ${what}`);
  };
  const lends: Lends = {
    clock,
    guard: {
      watch: new Watch(clock),
      mono: () => clock.mono(),
      failed: (placed, error) => faults.push(`${placed.owner}: ${error instanceof Error ? error.message : String(error)}`),
      runLimitMs: 60_000,
    },
    service: () => undefined,
    global: missing('global options'),
    outbound: missing('outbound options'),
    inbound: missing('inbound options'),
    scoped: missing('scoped options'),
    logged: (record) => void said.push(record),
    count: (name, labels) => {
      const key = [name, ...Object.values(labels)].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    readFile: async (path) => Buffer.from(`bytes of ${path}`),
    ...more,
  };
  return { clock, lends, registry: new Registry(lends), said, faults, counts };
}

/** A plan of a module that only has a name and a register, or of a whole manifest. */
export function planOf(about: Manifest | (Pick<Manifest, 'name' | 'register'> & Partial<Manifest>), more: Partial<Plan> = {}): Plan {
  const manifest =
    'summary' in about && 'options' in about ? (about as Manifest) : defineModule({ summary: 'A module.', options: {}, ...about });
  return {
    manifest,
    instance: manifest.name,
    options: {},
    blocks: new Map(),
    stanzas: new Map(),
    passive: false,
    onError: FAIL_CLOSED,
    timeoutSeconds: 30,
    file: 'test.conf',
    line: 1,
    ...more,
  };
}

/** A client's session as a hook sees it. */
export function makeSession(more: Partial<Session> = {}): Session {
  return {
    id: 'C1/00-00042-0000C0DE',
    peer: { ip: '192.0.2.10', port: 41000 },
    local: { ip: '192.0.2.1', port: 25 },
    listener: '192.0.2.1:25',
    helo: 'client.test',
    protocol: 'esmtp',
    tls: undefined,
    user: undefined,
    facts: new Facts(),
    signal: new AbortController().signal,
    // Who needs options hands them in; none are made up here.
    options: {} as InboundValues,
    phase: 4,
    banner: '',
    extensions: new Map(),
    early: async () => false,
    ...more,
  };
}
