/** Policies that were fetched, one file a domain, so that a restart or a policy host that is down forgets none of them. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { parseStsPolicy, type StsPolicy } from './sts-policy.js';

export interface KeptPolicy {
  readonly policy: StsPolicy;
  /** As fetched. */
  readonly text: string;
  /** Of the TXT record that it was fetched for. */
  readonly id: string;
  /** Wall time in milliseconds of the last time it was fetched. */
  readonly fetchedAt: number;
}

/** Larger files are none of ours. */
const MOST_BYTES = 262_144;
const UNFINISHED = '.new-';

export const expiryOf = ({ fetchedAt, policy }: KeptPolicy): number => fetchedAt + policy.maxAgeSeconds * 1000;

export class StsStore {
  readonly #disk: Disk;
  readonly #folder: string;
  #made = false;
  #number = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** The policy kept for a (normalized) domain, expired or not; undefined when there is none that can be read. */
  async load(domain: string): Promise<KeptPolicy | undefined> {
    const name = path.join(this.#folder, domain);
    if (!(await this.#disk.exists(name))) return undefined;
    const file = await this.#disk.open(name, 'read');
    try {
      const size = await file.size();
      if (size > MOST_BYTES) return undefined;
      const bytes = Buffer.alloc(size);
      await file.readAt(bytes, 0);
      return readKept(bytes.toString());
    } finally {
      await file.close();
    }
  }

  /** Replaces the domain's policy, whole or not at all; durable when it resolves. Rejects with the disk's error. */
  async save(domain: string, { id, fetchedAt, text }: KeptPolicy): Promise<void> {
    await this.#make();
    const unfinished = path.join(this.#folder, `${UNFINISHED}${process.pid}-${this.#number++}`);
    const file = await this.#disk.open(unfinished, 'create', 0o644);
    try {
      await file.append([Buffer.from(`${JSON.stringify({ id, fetchedAt, text })}\n`)]);
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(unfinished, path.join(this.#folder, domain));
    await this.#disk.syncFolder(this.#folder);
  }

  async remove(domain: string): Promise<void> {
    const name = path.join(this.#folder, domain);
    if (await this.#disk.exists(name)) await this.#disk.remove(name);
  }

  /** Domains that have a policy. */
  async domains(): Promise<readonly string[]> {
    if (!(await this.#disk.exists(this.#folder))) return [];
    return (await this.#disk.list(this.#folder)).filter((name) => !name.startsWith('.'));
  }

  /** Takes away what a crash left unfinished, and policies that expired before `now`. */
  async sweep(now: number): Promise<void> {
    if (!(await this.#disk.exists(this.#folder))) return;
    for (const name of await this.#disk.list(this.#folder)) {
      if (name.startsWith(UNFINISHED)) {
        if (!name.startsWith(`${UNFINISHED}${process.pid}-`)) await this.#disk.remove(path.join(this.#folder, name));
        continue;
      }
      const kept = await this.load(name);
      if (!kept || expiryOf(kept) <= now) await this.remove(name);
    }
  }

  async #make(): Promise<void> {
    if (this.#made) return;
    await this.#disk.makeFolder(this.#folder);
    this.#made = true;
  }
}

/** A file that was tampered with or cut is no policy. */
function readKept(json: string): KeptPolicy | undefined {
  let kept: unknown;
  try {
    kept = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof kept !== 'object' || kept === null || !('id' in kept) || !('fetchedAt' in kept) || !('text' in kept)) return undefined;
  const { id, fetchedAt, text } = kept;
  if (typeof id !== 'string' || typeof fetchedAt !== 'number' || typeof text !== 'string') return undefined;
  const policy = parseStsPolicy(text);
  return typeof policy === 'string' ? undefined : { policy, text, id, fetchedAt };
}
