/** The number of a start: durable before it is used, so that message ids never repeat. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { VERSION } from './file-head.js';
import { explain, problems } from './problems.js';
import { readText, replaceFile } from './small-file.js';

const FORMAT = String(VERSION);
const PERMISSIONS = 0o640;
/** The pid field of an id has 16 bits. */
const MOST = 0xffff;

/** Checks the format of the spool and answers the next incarnation (1..65535, then 1 again): the pid field of ids. */
export async function nextIncarnation(disk: Disk, root: string): Promise<number> {
  try {
    await disk.makeFolder(root);
    if (!(await checkFormat(disk, root))) await replaceFile(disk, root, 'format', Buffer.from(`${FORMAT}\n`, 'latin1'), PERMISSIONS);
    return await count(disk, root);
  } catch (error) {
    throw explain(root, error);
  }
}

async function count(disk: Disk, root: string): Promise<number> {
  const file = path.join(root, 'incarnation');
  const text = await readText(disk, file);
  const last = text === undefined ? 0 : Number(text);
  if (text === '' || !Number.isInteger(last) || last < 0 || last > MOST) throw problems.BAD_NUMBER(file);
  const next = (last % MOST) + 1;
  await replaceFile(disk, root, 'incarnation', Buffer.from(`${next}\n`, 'latin1'), PERMISSIONS);
  return next;
}

/** Throws a coded problem when the spool has a format that we do not know. Answers whether it has one at all. */
export async function checkFormat(disk: Disk, root: string): Promise<boolean> {
  const found = await readText(disk, path.join(root, 'format'));
  if (found !== undefined && found !== FORMAT) throw problems.WRONG_FORMAT(path.join(root, 'format'), found.slice(0, 20), FORMAT);
  return found !== undefined;
}
