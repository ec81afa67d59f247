/** What a part does while its disk fails: says so, gives the reserve to the outcomes, tries again each second. */
import { codeOf } from '../kernel/problems.js';
import { Health } from './health.js';
import type { Part } from './part.js';
import { wordsFor } from './problems.js';
import { Reserve } from './reserve.js';

/** How soon a disk that failed is tried again. */
export const RETRY_MS = 1000;
const ROOM_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const DISK_FULL = wordsFor({ code: 'ENOSPC' });

export class Trouble {
  readonly health = new Health();
  readonly #part: Part;
  readonly #reserve: Reserve;
  #retrying = false;
  #closed = false;

  constructor(part: Part) {
    this.#part = part;
    const { disk, reserveBytes, permissions } = part.options;
    this.#reserve = new Reserve(disk, part.folder, reserveBytes, permissions);
  }

  /** How the last write of the accept log went; undefined: well. */
  tellAccept(error: unknown): void {
    this.#tell(error, this.health.setAccept(error === undefined ? undefined : wordsFor(error)));
  }

  tellOutcome(error: unknown): void {
    this.#tell(error, this.health.setOutcome(error === undefined ? undefined : wordsFor(error)));
    if (error === undefined) this.#part.upkeep.renewWhenDue();
  }

  /** Makes the reserve; without it nothing is accepted. */
  async keepRoom(): Promise<void> {
    const stands = await this.#reserve.keep();
    this.health.setRoom(stands ? undefined : DISK_FULL);
    if (!stands) this.#retryLater();
  }

  /** Outcomes and compaction may use the reserve; reception stops until it is back. Answers whether there was any. */
  async makeRoom(error: unknown): Promise<boolean> {
    if (!ROOM_CODES.has(codeOf(error))) return false;
    const given = await this.#reserve.give();
    this.health.setRoom(DISK_FULL);
    this.#retryLater();
    return given;
  }

  close(): void {
    this.#closed = true;
  }

  #tell(error: unknown, news: boolean): void {
    if (error !== undefined) this.#retryLater();
    if (!news) return;
    const { log } = this.#part.options;
    if (error !== undefined) log('error', `the spool cannot be written: ${wordsFor(error)}`);
    else if (this.health.failing === undefined) log('warning', 'the spool can be written again');
  }

  #retryLater(): void {
    if (this.#retrying || this.#closed) return;
    this.#retrying = true;
    this.#part.options.clock.after(RETRY_MS, () => void this.#tryAgain());
  }

  async #tryAgain(): Promise<void> {
    const { health } = this;
    const { outcomes, accepts, upkeep } = this.#part;
    if (!this.#closed && health.blocked !== undefined) await outcomes.sync().catch(() => {});
    if (!this.#closed && health.blocked === undefined) await this.keepRoom();
    // Only with the reserve in place is there room for the outcomes of what would be accepted.
    if (!this.#closed && this.#reserve.stands && health.accept !== undefined && (await this.#hasRoom())) await accepts.probe();
    this.#retrying = false;
    if (health.failing !== undefined) this.#retryLater();
    else upkeep.compactLater();
  }

  /** A full disk that takes one small write more is no reason to accept mail. */
  async #hasRoom(): Promise<boolean> {
    const { folder, options } = this.#part;
    if (this.health.accept !== DISK_FULL) return true;
    return (await options.disk.free(folder).catch(() => 0)) >= this.#reserve.bytes;
  }
}
