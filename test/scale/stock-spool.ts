/** Fills a place's spool with mail as a daemon that died would leave it, by the spool's own writer: a million in seconds. */
import path from 'node:path';
import { systemClock } from '../../src/kernel/clock.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { Address } from '../../src/mail/address.js';
import type { Copy } from '../../src/module/copy.js';
import { partFolder } from '../../src/spool/parts.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies } from '../fixtures/copies.js';
import type { Place } from '../harness/place.js';

/** Mail that is alike: from s<number>@sender.test to m<number>@domain. */
export interface Lot {
  /** Numbers from `first` on. */
  readonly first: number;
  readonly count: number;
  readonly domainOf: (number: number) => string;
  /** Wall milliseconds; mail with none is due at once and was never tried. */
  readonly nextAttempt?: number;
}

/** Records written together, as bursts of clients would have it. */
const TOGETHER = 1000;
const BODY = `${'x'.repeat(70)}\r\n`.repeat(7);

/** Makes the lots' mail, one reception each, in the part of the only worker. Answers seconds. The daemon must not run. */
export async function stockSpool(place: Place, lots: readonly Lot[]): Promise<number> {
  const began = performance.now();
  const folder = partFolder(path.join(place.dir, 'spool'), 0);
  const spool = await SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder, sync: false });
  // A spool that knows what it holds also tells its checkpoints, as a daemon's does.
  await spool.recover(() => {}, new AbortController().signal);
  for (const { first, count, domainOf, nextAttempt } of lots) {
    for (let from = first; from < first + count; from += TOGETHER) {
      const copies: Copy[] = [];
      for (let number = from; number < Math.min(from + TOGETHER, first + count); number++)
        copies.push(...makeCopies([`m${number}@${domainOf(number)}`], { body: BODY, sender: new Address(`s${number}`, 'sender.test') }));
      await Promise.all(copies.map((copy) => spool.write([copy])));
      if (nextAttempt === undefined) continue;
      for (const { ticket } of copies) spool.change(ticket, 1, nextAttempt, '451 4.4.1 not now');
    }
  }
  await spool.flush();
  await spool.close();
  return (performance.now() - began) / 1000;
}
