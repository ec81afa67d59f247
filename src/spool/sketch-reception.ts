/** What recovery has to know of a record, read without the headers and bodies. */

import type { IdNumbers } from './encode-reception.js';
import { type FieldSpan, readFields } from './fields.js';
import { COPY, TXN } from './reception-tags.js';
import { viewReception, viewRefs } from './reception-view.js';
import { clampPriority, FLAG, flagPriority } from './table.js';

export interface CopySketch {
  readonly idHigh: number;
  readonly idLow: number;
  /** Names of the place, as place-names.ts joins them. */
  readonly place: string;
  readonly receivedAt: number;
  readonly attempts: number;
  readonly next: number;
  readonly reply: string;
  /** As FLAG in table.ts has them. */
  readonly flags: number;
  /** Name of the body's own file. */
  readonly file: string | undefined;
}

export interface ReceptionSketch {
  readonly movedFrom: number | undefined;
  readonly copies: readonly CopySketch[];
  /** Ids of copies that ended with this record. */
  readonly ends: readonly IdNumbers[];
}

/** Throws RangeError or a coded problem when the record is not whole. */
export function sketchReception(meta: Buffer): ReceptionSketch {
  const view = viewReception(meta);
  const flags = view.copies.length > 1 ? FLAG.shared : 0;
  const times = view.txns.map((field) => receivedAt(meta, field));
  return {
    movedFrom: view.movedFrom,
    copies: view.copies.map((field) => {
      const refs = viewRefs(meta, field);
      return sketchCopy(meta, field, times[refs.txn] ?? 0, view.bodies[refs.body]?.file, flags);
    }),
    ends: view.ends.map(({ from }) => ({ high: meta.readUInt32BE(from), low: meta.readUInt32BE(from + 4) })),
  };
}

function receivedAt(meta: Buffer, { from, to }: FieldSpan): number {
  for (const field of readFields(meta, from, to)) if (field.tag === TXN.receivedAt) return meta.readDoubleBE(field.from);
  return 0;
}

function sketchCopy(meta: Buffer, { from, to }: FieldSpan, received: number, file: string | undefined, flags: number): CopySketch {
  const sketch: { -readonly [K in keyof CopySketch]: CopySketch[K] } = {
    idHigh: 0,
    idLow: 0,
    place: '',
    receivedAt: received,
    attempts: 0,
    next: 0,
    reply: '',
    flags,
    file,
  };
  for (const field of readFields(meta, from, to)) {
    if (field.tag === COPY.id) {
      sketch.idHigh = meta.readUInt32BE(field.from);
      sketch.idLow = meta.readUInt32BE(field.from + 4);
    } else if (field.tag === COPY.place) sketch.place = meta.toString('utf8', field.from, field.to);
    else if (field.tag === COPY.attempts) sketch.attempts = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.next) sketch.next = meta.readDoubleBE(field.from);
    else if (field.tag === COPY.priority) sketch.flags |= flagPriority(clampPriority(meta.readInt32BE(field.from)));
    else if (field.tag === COPY.quarantined) sketch.flags |= FLAG.quarantined;
    else if (field.tag === COPY.reply) sketch.reply = meta.toString('utf8', field.from, field.to);
  }
  return sketch;
}
