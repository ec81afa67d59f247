/** The number of this start: durable before the first id of the start is given out, so that ids never repeat. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { readWhole } from './ledger.js';
import { problems } from './problems.js';

const FORMAT = '1';

/** Checks the format of the spool and answers the next incarnation (1..65535). */
export async function nextIncarnation(disk: Disk, root: string): Promise<number> {
  await disk.makeFolder(root);
  await checkFormat(disk, root);
  const file = path.join(root, 'incarnation');
  const last = (await disk.exists(file)) ? Number((await readWhole(disk, file)).toString('latin1').trim()) : 0;
  const next = (Number.isInteger(last) && last >= 0 ? last % 0xffff : 0) + 1;
  await writeWhole(disk, root, 'incarnation', `${next}\n`);
  return next;
}

async function checkFormat(disk: Disk, root: string): Promise<void> {
  const file = path.join(root, 'format');
  if (!(await disk.exists(file))) return writeWhole(disk, root, 'format', `${FORMAT}\n`);
  const found = (await readWhole(disk, file)).toString('latin1').trim();
  if (found !== FORMAT) throw problems.WRONG_FORMAT(root, found, FORMAT);
}

/** Replaces a small file as a whole: written aside, synced, renamed, folder synced. */
async function writeWhole(disk: Disk, folder: string, name: string, text: string): Promise<void> {
  const aside = path.join(folder, `${name}.new`);
  if (await disk.exists(aside)) await disk.remove(aside);
  const handle = await disk.open(aside, 'create', 0o640);
  try {
    await handle.append([Buffer.from(text, 'latin1')]);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await disk.rename(aside, path.join(folder, name));
  await disk.syncFolder(folder);
}
