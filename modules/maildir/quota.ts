/** Quotas of mailboxes as Maildir++ keeps them: a file `maildirsize` with the limit and a line for each change, shared with readers of mail. */
import fs from 'node:fs/promises';
import path from 'node:path';

/** Octets and messages a mailbox may hold; undefined for any number. */
export interface Quota {
  readonly octets: number | undefined;
  readonly messages: number | undefined;
}

/** What a mailbox holds. */
interface Usage {
  readonly octets: number;
  readonly messages: number;
}

/** The mailbox has no room for the message. */
export class OverQuota extends Error {}

const FILE = 'maildirsize';
/** Beyond this, or after this time, lines are summed up anew; both are Maildir++'s numbers. */
const LARGEST_FILE = 5120;
const OLDEST_MS = 15 * 60_000;

/** Reads "1000000S,500C"; undefined when it is no quota. */
export function parseQuota(text: string): Quota | undefined {
  let quota: Quota = { octets: undefined, messages: undefined };
  for (const part of text.split(',')) {
    const [, digits, kind] = /^(\d{1,15})([SC])$/.exec(part) ?? [];
    if (digits === undefined) return undefined;
    quota = kind === 'S' ? { ...quota, octets: Number(digits) } : { ...quota, messages: Number(digits) };
  }
  return quota;
}

const spell = ({ octets, messages }: Quota): string =>
  [octets === undefined ? [] : `${octets}S`, messages === undefined ? [] : `${messages}C`].flat().join(',');

const holds = ({ octets, messages }: Quota, used: Usage, size: number): boolean =>
  used.octets + size <= (octets ?? Number.POSITIVE_INFINITY) && used.messages + 1 <= (messages ?? Number.POSITIVE_INFINITY);

/** Rejects with OverQuota when a message of so many octets has no room in the mailbox. */
export async function checkRoom(home: string, size: number, quota: Quota, nowMs: number): Promise<void> {
  const noted = await readNoted(home, quota, nowMs);
  if (noted && holds(quota, noted.used, size)) return;
  // Readers delete without a line now and then: nobody is refused on an old sum.
  if (noted?.fresh) throw new OverQuota();
  const used = await countAgain(home, quota);
  if (!holds(quota, used, size)) throw new OverQuota();
}

/** Notes a message that was stored. */
export async function noteStored(home: string, size: number): Promise<void> {
  await fs.appendFile(path.join(home, FILE), `${size} 1\n`);
}

/** The sum of the file; undefined when there is none that counts. `fresh` when it was counted just now and nothing has changed since. */
async function readNoted(
  home: string,
  quota: Quota,
  nowMs: number,
): Promise<{ readonly used: Usage; readonly fresh: boolean } | undefined> {
  const file = path.join(home, FILE);
  const found = await fs.stat(file).catch(() => undefined);
  if (!found || found.size > LARGEST_FILE) return undefined;
  const [limit, ...lines] = (await fs.readFile(file, 'latin1')).trimEnd().split('\n');
  if (limit !== spell(quota)) return undefined;
  let octets = 0;
  let messages = 0;
  for (const line of lines) {
    const [, bytes, count] = /^\s*(-?\d{1,15})\s+(-?\d{1,9})\s*$/.exec(line) ?? [];
    if (bytes === undefined) return undefined;
    octets += Number(bytes);
    messages += Number(count);
  }
  if (octets < 0 || messages < 0) return undefined;
  return { used: { octets, messages }, fresh: lines.length <= 1 && nowMs - found.mtimeMs < OLDEST_MS };
}

/** Counts what lies in the mailbox and its folders, the one for deleted mail aside, and begins the file anew. */
async function countAgain(home: string, quota: Quota): Promise<Usage> {
  const entries = await fs.readdir(home, { withFileTypes: true });
  const below = entries.filter((entry) => entry.isDirectory() && entry.name.startsWith('.') && entry.name !== '.Trash');
  let octets = 0;
  let messages = 0;
  for (const folder of [home, ...below.map(({ name }) => path.join(home, name))]) {
    for (const part of ['new', 'cur']) {
      for (const name of await fs.readdir(path.join(folder, part)).catch(() => [])) {
        const size = /,S=(\d{1,15})/.exec(name)?.[1] ?? (await fs.stat(path.join(folder, part, name)).catch(() => undefined))?.size;
        if (size === undefined) continue;
        octets += Number(size);
        messages++;
      }
    }
  }
  const temporary = path.join(home, 'tmp', `${FILE}.${process.pid}.${octets}.${messages}`);
  await fs.writeFile(temporary, `${spell(quota)}\n${octets} ${messages}\n`, { mode: 0o600 });
  await fs.rename(temporary, path.join(home, FILE));
  return { octets, messages };
}
