/** Writes one message into a maildir: whole under tmp, safe on the medium, then seen under new. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { type Draft, withLineFeeds } from '#module';
import type { Mailbox } from './mailbox.js';
import { checkRoom, noteStored, type Quota } from './quota.js';

export interface Manner {
  readonly createUsers: boolean;
  readonly dirMode: number;
  readonly fileMode: number;
  /** File and folder are on the medium before the message counts as delivered. */
  readonly sync: boolean;
  /** A detail may name a folder of Maildir++. */
  readonly folders: boolean;
  readonly quota: Quota | undefined;
  /** Wall milliseconds. */
  now(): number;
}

/** The recipient has no mailbox, and none is to be made. */
export class NoMailbox extends Error {}

const PARTS = ['tmp', 'new', 'cur'] as const;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

const isFolder = async (name: string): Promise<boolean> =>
  fs.stat(name).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );

/**
 * Stores a message; resolves with its octets when it is durable under new. Rejects with NoMailbox, OverQuota, or with what the disk said; then
 * nothing is under new. An aborted signal ends it until the very last step.
 */
export async function storeMessage(draft: Draft, mailbox: Mailbox, name: string, manner: Manner, signal: AbortSignal): Promise<number> {
  const { home, folder } = await findFolder(mailbox, manner);
  const temporary = path.join(folder, 'tmp', name);
  try {
    const size = await writeTemporary(draft, temporary, manner, signal);
    if (manner.quota) await checkRoom(home, size, manner.quota, manner.now());
    signal.throwIfAborted();
    // A link never replaces a message that is there, as a rename would.
    await fs.link(temporary, path.join(folder, 'new', `${name},S=${size}`));
    await fs.unlink(temporary).catch(() => {});
    if (manner.sync) await syncFolder(path.join(folder, 'new'));
    // Stored is stored: what is noted wrongly is counted again one day.
    if (manner.quota) await noteStored(home, size).catch(() => {});
    return size;
  } catch (error) {
    // What cannot be removed either stays under tmp, where readers clean up after a day and a half.
    await fs.unlink(temporary).catch(() => {});
    throw error;
  }
}

/** The mailbox, and the maildir of it to write to, with its three parts. */
async function findFolder({ folders, detail }: Mailbox, manner: Manner): Promise<{ readonly home: string; readonly folder: string }> {
  const home = folders.at(-1) ?? '';
  if (!(await isFolder(home))) {
    if (!manner.createUsers) throw new NoMailbox();
    for (const folder of folders) await makeFolder(folder, manner);
  }
  const below = manner.folders && detail !== undefined ? path.join(home, `.${detail}`) : home;
  const folder = below === home || !(await isFolder(below)) ? home : below;
  for (const part of PARTS) if (!(await isFolder(path.join(folder, part)))) await makeFolder(path.join(folder, part), manner);
  return { home, folder };
}

/** Makes a folder that may be there already; its mode is what was asked for, whatever the umask. */
async function makeFolder(folder: string, { dirMode, sync }: Manner): Promise<void> {
  try {
    await fs.mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return;
  }
  await fs.chmod(folder, dirMode);
  if (sync) await syncFolder(path.dirname(folder));
}

async function writeTemporary(draft: Draft, file: string, { fileMode, sync }: Manner, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const handle = await fs.open(file, 'wx', 0o600);
  try {
    let size = 0;
    await handle.chmod(fileMode);
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of withLineFeeds(octetsOf(draft))) {
        size += chunk.length;
        yield chunk;
      }
    };
    await fs.writeFile(handle, counted(), { signal });
    if (sync) await handle.sync();
    return size;
  } finally {
    await handle.close();
  }
}

/** RFC 5321 4.4: the last server notes who sent it; Delivered-To whose box it is. */
async function* octetsOf(draft: Draft): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`Return-Path: <${draft.sender ?? ''}>\r\nDelivered-To: ${draft.recipient}\r\n`);
  // Another server, or reception itself, may have noted it before.
  const headers = draft.headers.clone();
  headers.remove('return-path');
  yield headers.bytes();
  yield* draft.content.read();
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
