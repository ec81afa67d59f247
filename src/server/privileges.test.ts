import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../test/chaos/room.js';
import { dropPrivileges, type Identity } from './privileges.js';

/** A process that tells what it was asked to become. */
function pose(uid: number, diary: string[], groups: (list: readonly (string | number)[]) => void = () => {}): Identity {
  return {
    getuid: () => uid,
    getgid: () => uid,
    setgid: (id) => void diary.push(`gid ${id}`),
    setgroups: (list) => {
      groups(list);
      diary.push(`groups ${list.join(' ')}`);
    },
    setuid: (id) => void diary.push(`uid ${id}`),
  };
}

describe('the security stanza', () => {
  it.each([
    ['security { user = mail group = post }', ['gid post', 'groups post', 'uid mail']],
    ['security { user = mail group = post supplemental_groups = ( ssl adm ) }', ['gid post', 'groups post ssl adm', 'uid mail']],
    ['', []],
  ])('%s', async (config, expected) => {
    const diary: string[] = [];
    dropPrivileges(await snapshotOf(config), pose(0, diary));
    expect(diary).toEqual(expected);
  });

  it('asks nothing of who is not root', async () => {
    const diary: string[] = [];
    expect(dropPrivileges(await snapshotOf('security { user = mail }'), pose(1000, diary))).toBe('uid 1000, gid 1000');
    expect(diary).toEqual([]);
  });

  it('ends the start when a group does not exist, and stays who it was', async () => {
    const diary: string[] = [];
    const who = pose(0, diary, (list) => {
      if (list.includes('nobody-knows-it')) throw new Error('unknown group');
    });
    const snapshot = await snapshotOf('security { user = mail group = post supplemental_groups = ( nobody-knows-it ) }');
    expect(() => dropPrivileges(snapshot, who)).toThrow('cannot become user mail, group post, nobody-knows-it');
    expect(diary).toEqual(['gid post']);
  });

  it.each(['chroot = "/srv"', 'capabilities = "cap_net_bind_service+ep"'])('%s is refused with what to write instead', async (line) => {
    await expect(snapshotOf(`security { ${line} }`)).rejects.toThrow(/systemd unit/);
  });
});
