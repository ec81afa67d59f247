/** A new configuration for a running daemon: checked whole, put in force whole, or refused with every reason. */
import { diff } from '../config/diff.js';
import type { Loaded } from '../config/include.js';
import { renderProblems } from '../config/render.js';
import type { Snapshot } from '../config/snapshot.js';
import { loadConfiguration } from './configuration.js';
import { describeCause, type Journal } from './journal.js';

/** Who has a configuration in force: a daemon, or the supervisor of several workers. */
export interface Reloadable {
  readonly file: string;
  readonly snapshot: Snapshot;
  readonly journal: Journal;
  /** Puts it in force whole, or rejects and stays with the old one. */
  adopt(next: Snapshot, loaded: Loaded): Promise<void>;
}

export interface Reloaded {
  readonly ok: boolean;
  /** For the operator: OK, or what is wrong. */
  readonly text: string;
  /** Options that changed and wait for a restart. */
  readonly needRestart: readonly string[];
}

export async function reload(daemon: Reloadable, file = daemon.file): Promise<Reloaded> {
  const configured = await loadConfiguration(file, daemon.snapshot.number + 1);
  if (!configured.ok) return refuse(daemon, renderProblems(configured.problems));
  const changes = diff(daemon.snapshot, configured.snapshot);
  try {
    await daemon.adopt(configured.snapshot, configured.loaded);
  } catch (error) {
    return refuse(daemon, describeCause(error));
  }
  const needRestart = changes
    .filter(({ needsRestart }) => needsRestart)
    .map(({ scopeKey, option }) => `${scopeKey}: ${option ?? 'stanza'}`);
  daemon.journal.say('notice', 'config', `configuration ${configured.snapshot.number} is in force, ${changes.length} changes`);
  const notes = [
    ...(needRestart.length > 0 ? [`These take effect at the next start: ${needRestart.join(', ')}`] : []),
    ...(configured.problems.length > 0 ? [renderProblems(configured.problems)] : []),
  ];
  return { ok: true, text: ['OK', ...notes].join('\n'), needRestart };
}

function refuse(daemon: Reloadable, why: string): Reloaded {
  daemon.journal.say('error', 'config', `reconfiguration refused: ${why}`);
  return { ok: false, text: `${why}\nReconfigure failed.`, needRestart: [] };
}
