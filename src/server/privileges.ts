/** From root to the user of the security stanza, once the ports are bound. */
import type { Snapshot } from '../config/snapshot.js';
import { declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('privileges', {
  CANNOT_DROP: { text: 'cannot become user %s, group %s', doc: 'The security stanza names a user or group that does not exist here.' },
});

/** Who the daemon is after this call. Does nothing for a daemon that is not root, or whose configuration has no security stanza. */
export function dropPrivileges(snapshot: Snapshot): string {
  const asked = snapshot.stanzas('security').size > 0;
  if (process.getuid?.() !== 0 || !asked) return describeUser();
  const { user, group } = snapshot.stanza('security');
  try {
    process.setgid?.(group);
    process.setgroups?.([group]);
    process.setuid?.(user);
  } catch (error) {
    throw problems.CANNOT_DROP.because(error, user, group);
  }
  return describeUser();
}

const describeUser = (): string => `uid ${process.getuid?.() ?? '?'}, gid ${process.getgid?.() ?? '?'}`;
