/** Keeps a part small: segments without live mail go, mostly dead ones are written again, the outcome log is told anew. One thing after the other. */
import { codeOf } from '../kernel/problems.js';
import { compactSegment } from './compact.js';
import { LOG } from './file-head.js';
import { indexSegment } from './index-segment.js';
import { listLive } from './live-tickets.js';
import { logPath } from './log-file.js';
import { acceptName } from './log-names.js';
import { Maintenance } from './maintenance.js';
import type { Part } from './part.js';
import { wordsFor } from './problems.js';
import type { Segment } from './segment.js';
import { RETRY_MS } from './trouble.js';

/** Outcome files of earlier starts that are put up with before everything is told anew. */
const MOST_OLD_FILES = 64;
/** So many messages in indexes leave garbage that is worth a pause. */
const COLLECT_EVERY = 100_000;
/** The second time V8 gives back the pages that the first one emptied. */
const SETTLE_MS = [2000, 10_000];

export class Upkeep {
  /** Segments that hold nothing any more, until their removal is on the medium. */
  readonly dropping = new Set<number>();
  readonly #part: Part;
  readonly #work = new Maintenance();
  /** A start could not read everything: nothing is moved or forgotten. */
  #crippled = false;
  #recovered = false;
  /** What was found at the start is told anew in files of this start: segments may go. */
  #settled = false;
  #renewing = false;
  #renewalCost = 0;
  #closed = false;

  constructor(part: Part) {
    this.#part = part;
  }

  /** A copy of the segment ended, or it was sealed. */
  lessLive(segment: Segment): void {
    if (!segment.sealed || segment.incoming > 0) return;
    if (segment.live === 0) this.drop(segment);
    else if (segment.isMostlyDead) this.compactLater();
  }

  sealed(segment: Segment): void {
    if (segment.live > 0 || segment.incoming > 0)
      this.#work.once(`index ${segment.number}`, async () => {
        const live = await listLive(this.#part.stock.table, [segment]);
        // Without an index a start reads the segment itself.
        await indexSegment(segment, live.get(segment), () => this.#closed).catch(() => {});
      });
    this.lessLive(segment);
  }

  /** A segment with nothing alive goes away, once everything said about it is on the medium. */
  drop(segment: Segment): void {
    // Before all was told anew its records may be what tells that a copy elsewhere is dead.
    if (segment.dropped || segment.pinned || !this.#settled) return;
    segment.dropped = true;
    this.dropping.add(segment.number);
    this.#work.add(async () => {
      try {
        await this.#remove(segment);
      } catch (error) {
        const { log, clock } = this.#part.options;
        log('warning', `${acceptName(segment.number)} could not be removed: ${wordsFor(error)}`);
        clock.after(RETRY_MS, () => {
          segment.dropped = false;
          if (!this.#closed) this.drop(segment);
        });
      }
    });
  }

  async #remove(segment: Segment): Promise<void> {
    const { outcomes, folder, options, segments, stock } = this.#part;
    outcomes.records.drop(segment.number);
    outcomes.touch();
    await outcomes.sync();
    await segment.close();
    await options.disk.remove(logPath(folder, LOG.accept, segment.number));
    await options.disk.syncFolder(folder);
    segments.delete(segment.number);
    stock.slots.remove(segment);
    this.dropping.delete(segment.number);
  }

  /** Removes a body that no message uses, once the end of its last one is on the medium. */
  removeBody(file: string): void {
    // What is found later may use it; recovery removes what nobody does.
    if (!this.#recovered) return;
    const { outcomes, stock, options } = this.#part;
    this.#work.add(async () => {
      try {
        await outcomes.sync();
        if (!stock.large.uses(file)) await options.disk.remove(file);
      } catch (error) {
        // A damaged one lies in quarantine.
        if (codeOf(error) !== 'ENOENT') options.log('warning', `${file} could not be removed: ${wordsFor(error)}`);
      }
    });
  }

  /** A body was read with other octets than it was written with. When a second look finds the same it goes into quarantine. */
  examineBody(file: string, isWhole: () => Promise<boolean>): void {
    const { quarantine, options } = this.#part;
    this.#work.once(`examine ${file}`, async () => {
      try {
        if ((await isWhole()) || !(await options.disk.exists(file))) return;
        await quarantine.take(file);
        options.log('error', `${file} is damaged and went into quarantine; its mail is set aside`);
      } catch (error) {
        options.log('error', `${file} is damaged and could not be put into quarantine: ${wordsFor(error)}`);
      }
    });
  }

  /** Everything on disk that can be read is known: from now on the part is kept small. */
  recovered(crippled: boolean): void {
    this.#crippled = crippled;
    this.#recovered = true;
    this.#renewLater();
  }

  /** One mostly dead segment is written again elsewhere, and later the next. */
  compactLater(): void {
    if (!this.#settled || this.#closed) return;
    const { segments, health, options } = this.#part;
    this.#work.once('compact', async () => {
      const next = [...segments.values()].find((s) => s.sealed && !s.dropped && !s.damaged && s.live > 0 && s.isMostlyDead);
      if (!next || health.failing !== undefined || this.#closed) return;
      try {
        await compactSegment(next, () => this.#closed);
        this.compactLater();
      } catch (error) {
        options.log('warning', `${acceptName(next.number)} could not be compacted: ${wordsFor(error)}`);
        options.clock.after(RETRY_MS, () => this.compactLater());
      }
    });
  }

  renewWhenDue(): void {
    if (!this.#settled || this.#renewing) return;
    const { outcomes, options } = this.#part;
    if (outcomes.oldFiles > MOST_OLD_FILES || outcomes.grown > Math.max(options.outcomeBytes, this.#renewalCost)) this.#renewLater();
  }

  /** Begins no further piece of work. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    return this.#work.idle();
  }

  /** Outcome files grow for ever: from time to time all that is alive is told again, and the files before go. */
  #renewLater(): void {
    if (this.#crippled || this.#renewing || this.#closed) return;
    this.#renewing = true;
    this.#work.add(async () => {
      try {
        await this.#renew();
      } catch (error) {
        const { log, clock } = this.#part.options;
        log('warning', `the outcome log could not be renewed: ${wordsFor(error)}`);
        clock.after(RETRY_MS, () => this.#renewLater());
      }
      this.#renewing = false;
    });
  }

  async #renew(): Promise<void> {
    const { outcomes, segments, stock, options } = this.#part;
    const first = await outcomes.rotate();
    outcomes.grown = 0;
    const told = [...segments.values()];
    const live = await listLive(stock.table, told);
    let left = 0;
    let isMuch = false;
    for (const segment of told) {
      await indexSegment(segment, live.get(segment), () => this.#closed);
      left += live.get(segment)?.tickets.length ?? 0;
      if (left < COLLECT_EVERY) continue;
      left = 0;
      isMuch = true;
      options.collectGarbage();
    }
    if (this.#closed) return;
    for (const number of this.dropping) outcomes.records.drop(number);
    outcomes.touch();
    await outcomes.sync();
    await outcomes.forget(first);
    this.#renewalCost = outcomes.grown;
    outcomes.grown = 0;
    // By then the octets on their way to the disk are let go, too.
    if (isMuch) for (const ms of SETTLE_MS) options.clock.after(ms, options.collectGarbage);
    if (this.#settled) return;
    this.#settled = true;
    for (const segment of [...segments.values()]) this.lessLive(segment);
  }
}
