/** From root to the user of the security stanza, once the ports are bound. */
import type { Snapshot } from '../config/snapshot.js';
import { declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('privileges', {
  CANNOT_DROP: { text: 'cannot become user %s, group %s', doc: 'The security stanza names a user or group that does not exist here.' },
});

/** What a process can say and change of who it is; not on every system. */
export type Identity = Partial<Pick<NodeJS.Process, 'getuid' | 'getgid' | 'setuid' | 'setgid' | 'setgroups'>>;

/** Who the daemon is after this call. Does nothing for a daemon that is not root, or whose configuration has no security stanza. */
export function dropPrivileges(snapshot: Snapshot, who: Identity = process): string {
  const asked = snapshot.stanzas('security').size > 0;
  if (who.getuid?.() !== 0 || !asked) return describeUser(who);
  const { user, group, supplemental_groups: further = [] } = snapshot.stanza('security');
  try {
    who.setgid?.(group);
    who.setgroups?.([group, ...further]);
    who.setuid?.(user);
  } catch (error) {
    throw problems.CANNOT_DROP.because(error, user, [group, ...further].join(', '));
  }
  return describeUser(who);
}

const describeUser = (who: Identity): string => `uid ${who.getuid?.() ?? '?'}, gid ${who.getgid?.() ?? '?'}`;
