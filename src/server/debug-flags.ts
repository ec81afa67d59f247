/** Which records go to the panic logs: debug_flags name, for each level, the subsystems that are written. */
import type { Snapshot } from '../config/snapshot.js';
import type { LogRecord } from '../module/reports.js';

/** A level's list holds ALL or the subsystem (a room or module, any case). */
export function isWanted({ level, module }: Pick<LogRecord, 'level' | 'module'>, snapshot: Snapshot): boolean {
  const wanted: readonly string[] | undefined = snapshot.stanza('debug_flags')[level];
  if (!wanted) return false;
  const [subsystem = ''] = module.split(':');
  return wanted.some((word) => word.toUpperCase() === 'ALL' || word.toUpperCase() === subsystem.toUpperCase());
}
