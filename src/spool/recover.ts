/** From what lies on disk to a known queue: the outcome logs first, then indexes, then segments that have none, newest first. */
import path from 'node:path';
import { codeOf } from '../kernel/problems.js';
import type { Found } from '../module/spool.js';
import { keyOf, type Ledger, readLedger, readWhole, type SegmentLedger } from './ledger.js';
import type { IndexEntry } from './outcome-record.js';
import { TORN } from './quarantine.js';
import { type ReceptionSketch, readPlace } from './reception-record.js';
import { walkSegment } from './scan.js';
import { Segment, segmentName } from './segment.js';
import type { SegmentSpool } from './segment-spool.js';
import { FLAG } from './table.js';

/** After so many messages the loop gets its turn. */
const BREATHE_EVERY = 2000;
const BREATHE_AT_FRAMES = 200;

interface Told {
  messages: number;
  quarantined: number;
  tornTails: number;
  /** Segments that the disk did not give. */
  unreadable: number;
}

export async function recoverSpool(
  spool: SegmentSpool,
  atStart: { readonly segments: readonly number[]; readonly outcomes: readonly number[] },
  found: Found,
  signal: AbortSignal,
): Promise<Told> {
  const { disk, folder } = spool.options;
  const told: Told = { messages: 0, quarantined: 0, tornTails: 0, unreadable: 0 };
  const ledger = await readLedger(disk, folder, atStart.outcomes);
  const numbers = [...atStart.segments].sort((a, b) => b - a);
  const present = new Set(numbers);
  const copies = new Map<number, number>();
  for (const [nth, number] of numbers.entries()) {
    if (signal.aborted) return told;
    spool.progress = (0.5 * nth) / numbers.length;
    if (ledger.dropped.has(number)) {
      spool.dropFile(number);
      present.delete(number);
      continue;
    }
    try {
      const file = await disk.open(path.join(folder, segmentName(number)), 'read');
      const segment = new Segment(number, file, await file.size());
      segment.sealed = true;
      const known = ledger.of(number);
      if (known.upTo < segment.size) copies.set(number, await readSegment(spool, segment, known, ledger, present, told));
      spool.segments.set(number, segment);
    } catch (error) {
      told.unreadable++;
      spool.options.log('error', `${segmentName(number)} cannot be read: ${codeOf(error)}; its messages wait for another start`);
    }
  }
  // Only now is everything known that says a copy ended: the newest segments may end copies of older ones.
  for (const [nth, number] of numbers.entries()) {
    spool.progress = 0.5 + (0.5 * nth) / numbers.length;
    const segment = spool.segments.get(number);
    if (!segment) continue;
    const known = ledger.of(number);
    segment.copies = Math.max(copies.get(number) ?? 0, 2 * known.entries.size);
    await adoptAll(spool, number, known, found, told, signal);
    if (signal.aborted) return told;
    if (segment.live === 0) spool.dropSegment(segment);
  }
  return told;
}

/** Reads what the index does not cover; the live copies join its entries. Answers how many copies there were. */
async function readSegment(
  spool: SegmentSpool,
  segment: Segment,
  known: SegmentLedger,
  ledger: Ledger,
  present: ReadonlySet<number>,
  told: Told,
): Promise<number> {
  const { disk, folder } = spool.options;
  const name = segmentName(segment.number);
  // A daemon that was killed leaves octets which only the page cache has; what is told of them from here on is durable.
  await segment.file.datasync().catch((error: unknown) => spool.options.log('warning', `${name} could not be synced: ${codeOf(error)}`));
  const bytes = await readWhole(disk, path.join(folder, name));
  let counted = known.entries.size;
  const damaged: { offset: number; bytes: Buffer; torn: boolean }[] = [];
  let frames = 0;
  for (const end of walkSegment(bytes, known.upTo, {
    reception: (offset, sketch) => {
      counted += sketch.copies.length;
      addEntries(offset, sketch, known, ledger, present);
    },
    damaged: (offset, octets, torn) => damaged.push({ offset, bytes: octets, torn }),
  })) {
    segment.size = end;
    if (++frames % BREATHE_AT_FRAMES === 0) await new Promise<void>((done) => setImmediate(done));
  }
  for (const hurt of damaged) {
    const kept = await spool.quarantine.keep(`${name}-${hurt.offset}${hurt.torn ? TORN : ''}`, hurt.bytes).then(
      () => true,
      () => false,
    );
    if (!kept) segment.pins++;
    if (hurt.torn) told.tornTails++;
    else told.quarantined++;
    spool.options.log(
      'warning',
      `${hurt.bytes.length} octets of ${name} at ${hurt.offset} are ${hurt.torn ? 'the torn end of a write' : 'damaged'}; they ${kept ? 'are in quarantine' : 'stay there, for quarantine cannot be written'}`,
    );
  }
  return counted;
}

/** The copies of a frame join what is known to be alive, unless they ended or still stand where compaction took them from. */
export function addEntries(
  offset: number,
  sketch: ReceptionSketch,
  known: SegmentLedger,
  ledger: Ledger,
  present: ReadonlySet<number>,
): void {
  for (const end of sketch.ends) ledger.gone(end);
  // Compaction that did not finish: the copies still stand where they came from.
  if (sketch.movedFrom !== undefined && present.has(sketch.movedFrom) && !ledger.dropped.has(sketch.movedFrom)) return;
  sketch.copies.forEach((copy, index) => {
    const key = keyOf(offset, index);
    if (known.gone.has(key)) return;
    const entry: IndexEntry = {
      offset,
      index,
      idHigh: copy.idHigh,
      idLow: copy.idLow,
      receivedAt: sketch.receivedAt,
      attempts: copy.attempts,
      next: copy.nextAttempt,
      flags: (copy.priority === 1 ? FLAG.priority : 0) | (sketch.file === undefined ? 0 : FLAG.large),
      place: `${copy.place.group}\n${copy.place.binding}\n${copy.place.domain}`,
      reply: copy.lastReply,
    };
    known.entries.set(key, entry);
  });
}

async function adoptAll(
  spool: SegmentSpool,
  number: number,
  known: SegmentLedger,
  found: Found,
  told: Told,
  signal: AbortSignal,
): Promise<void> {
  let turn = 0;
  for (const [key, entry] of known.entries) {
    if (signal.aborted) return;
    const change = known.changes.get(key);
    const moved = known.moves.get(key);
    const place = moved ? `${moved.group}\n${moved.binding}\n${moved.domain}` : entry.place;
    const attempts = change?.attempts ?? entry.attempts;
    const next = change?.next ?? entry.next;
    const ticket = spool.adopt(
      { segment: number, offset: entry.offset, index: entry.index },
      { ...entry, attempts, next, place, reply: change?.reply ?? entry.reply },
    );
    if (entry.flags & FLAG.large) await spool.holdLarge(ticket, number, entry.offset);
    told.messages++;
    found(ticket, readPlace(place), attempts, next, entry.receivedAt, (entry.flags & FLAG.priority) === 0 ? 0 : 1);
    if (++turn % BREATHE_EVERY === 0) await new Promise<void>((done) => setImmediate(done));
  }
  known.entries.clear();
}
