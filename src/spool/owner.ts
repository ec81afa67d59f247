/** Whether what lies in a spool belongs to the user who is going to use it: asked when a daemon that started as root has given up its rights. */
import fs from 'node:fs';
import path from 'node:path';
import { problems } from './problems.js';

/** Made before the rights are given up, and only ever locked. */
const LOCK = 'lock';

/** Throws a coded problem that names the first file of somebody else. Looks at the root, its parts and what lies in them; bodies and quarantine are passed over. */
export function checkOwner(root: string, uid: number): void {
  for (const file of filesOf(root)) {
    let owner: number;
    try {
      owner = fs.lstatSync(file).uid;
    } catch {
      // A `celeris spool` beside it may remove files meanwhile.
      continue;
    }
    if (owner !== uid) throw problems.WRONG_OWNER(file, String(owner), String(uid), String(uid), root);
  }
}

function* filesOf(root: string): Generator<string> {
  yield root;
  for (const name of listFolder(root)) if (name !== LOCK) yield path.join(root, name);
  const parts = path.join(root, 'parts');
  for (const part of listFolder(parts)) {
    yield path.join(parts, part);
    for (const name of listFolder(path.join(parts, part))) yield path.join(parts, part, name);
  }
}

/** Names in a folder; none when there is no such folder, or it is not ours to read. */
function listFolder(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}
