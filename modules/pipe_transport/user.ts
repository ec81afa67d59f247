/** Users of this machine, as passwd(5) has them. */

/** Numbers of a user and his own group; undefined when the table does not have him. */
export function findUser(table: string, name: string): { readonly uid: number; readonly gid: number } | undefined {
  for (const line of table.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && uid && gid && /^\d+$/.test(uid) && /^\d+$/.test(gid)) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
