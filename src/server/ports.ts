/** What rooms of the daemon are handed of the others, where that is more than a line. */
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { Notices } from '../bounce/notices.js';
import { tlsSettingsOf } from '../deliver/terms.js';
import { readMemoryShare } from '../kernel/memory.js';
import type { Supply } from '../module/flow.js';
import type { LoginPorts } from '../receive/auth.js';
import { ClientTlsContexts } from '../smtp/client/tls-contexts.js';
import { Visits } from '../smtp/probe/visits.js';
import { partFolder } from '../spool/parts.js';
import type { Daemon } from './daemon.js';
import { MemoryWatch } from './memory-watch.js';
import { Probation } from './probation.js';
import { shareOf } from './share.js';

/** Looks at the memory for the queue, which gives bodies back, and tells the operator. */
export function watchMemory(daemon: Daemon): MemoryWatch {
  return new MemoryWatch({
    clock: daemon.clock,
    readShare: () => readMemoryShare(daemon.seat.workers),
    limits: () => daemon.snapshot.global,
    relieve: (level) => {
      daemon.queue.shrink(level === 'high' ? 0 : Math.floor(daemon.queue.memory().residentBytes / 2));
      daemon.smtp.haltLargest();
    },
    changed: (level, share) => {
      if (level === 'calm') daemon.smtp.unhalt();
      const used = `${Math.round(share * 100)} % of the memory are in use`;
      if (level === 'calm') daemon.journal.say('notice', 'memory', `${used}: all mail is taken again`);
      else if (level === 'goal')
        daemon.journal.say('warning', 'memory', `${used}: bodies leave it, the largest receptions wait (memory_goal)`);
      else daemon.journal.say('error', 'memory', `${used}: new mail is refused for now (memory_hwm)`);
    },
  });
}

/** What AUTH needs: files with passwords, schemes of modules, limits shared by the workers. */
export function makeLoginPorts(daemon: Daemon): LoginPorts {
  return {
    clock: daemon.clock,
    files: { stat: (name) => stat(name), read: (name) => readFile(name) },
    hostname: () => daemon.hostname,
    chains: () => daemon.chains,
    limits: () => {
      const { auth_failures_per_client, auth_failures_per_user } = daemon.snapshot.global;
      const { workers } = daemon.seat;
      return { perClient: shareOf(auth_failures_per_client, workers), perUser: shareOf(auth_failures_per_user, workers) };
    },
    scheme: (name) => daemon.registry.current.offer('auth', name),
    randomBytes,
    log: (level, text, cause) => daemon.journal.say(level, 'auth', text, cause),
  };
}

/** Questions to other servers, with the tls_* options that stand outside of all scopes. */
export function makeProbes(daemon: Daemon): Visits {
  const contexts = new ClientTlsContexts();
  let read = daemon.snapshot;
  return new Visits({
    clock: daemon.clock,
    watch: daemon.watch,
    names: daemon.resolver,
    workers: daemon.seat.workers,
    hostname: () => daemon.hostname,
    secureContext: () => {
      // A reload may have brought other files, or others under the same names.
      if (read !== daemon.snapshot) contexts.forget();
      read = daemon.snapshot;
      return contexts.of(tlsSettingsOf(read.at({})));
    },
  });
}

/** Stands between queue and delivery while this worker is on probation. */
export function makeProbation(daemon: Daemon): Probation {
  return new Probation({
    supply: daemon.queue,
    file: path.join(partFolder(path.resolve(daemon.snapshot.global.spoolbase), daemon.seat.number), 'in-hand'),
    wakeAll: () => daemon.queue.reloaded(),
    alarm: (text) => daemon.journal.say('critical', 'daemon', text),
  });
}

/** Notices about mail that failed; `stopped` ends what they wait for. */
export function makeNotices(daemon: Daemon, supply: Supply, stopped: AbortSignal): Notices {
  return new Notices({
    clock: daemon.clock,
    spool: daemon.spool,
    supply,
    entrance: daemon.entrance,
    chains: () => daemon.chains,
    options: (mail) => daemon.snapshot.at(mail.place),
    nextId: () => daemon.ids.next(),
    host: daemon.hostname,
    signal: stopped,
    log: (level, text, cause) => daemon.journal.say(level, 'bounce', text, cause),
  });
}
