/** What all parts of a spool share in memory: the table of messages, their segments, texts and body files. */
import type { Copy } from '../module/copy.js';
import type { PlaceParts } from '../module/place.js';
import { writeId } from './id-octets.js';
import { LargeFiles } from './large.js';
import type { IndexEntry } from './outcome-tags.js';
import { placeText } from './place-names.js';
import { type Segment, SegmentSlots } from './segment.js';
import { isThere } from './sweep.js';
import { FLAG, flagPriority, Table } from './table.js';
import { Words } from './words.js';

/** What the table has to know of a message besides where it lies. */
export type About = Omit<IndexEntry, 'file'> & { readonly file: string | undefined };

/** Slot of what lies in no segment. */
const NOWHERE = 0xffff_ffff;
const idOctets = Buffer.alloc(8);

export class Stock {
  readonly table = new Table();
  readonly slots = new SegmentSlots();
  readonly places = new Words();
  readonly replies = new Words();
  readonly large = new LargeFiles();

  /** Puts a message into the table: it is durable in that segment. `file` is the path of its body. Answers its ticket. */
  adopt(segment: Segment, about: About): number {
    const ticket = this.#enter(about);
    if (about.file !== undefined) this.large.hold(ticket, about.file);
    this.settle(ticket, segment, about.offset, about.index, about.weight);
    return ticket;
  }

  /** Puts a message into the table that lies in no segment. */
  shelve({ id, reception, attempts, nextAttempt, priority, place, lastReply }: Copy, isShared: boolean): number {
    writeId(id, idOctets, 0);
    const ticket = this.#enter({
      idHigh: idOctets.readUInt32BE(0),
      idLow: idOctets.readUInt32BE(4),
      receivedAt: reception.receivedAt,
      attempts,
      next: nextAttempt,
      flags: (isShared ? FLAG.shared : 0) | flagPriority(priority),
      place: placeText(place),
      reply: lastReply,
    });
    this.table.slot[ticket] = NOWHERE;
    return ticket;
  }

  #enter(about: Omit<About, 'file' | 'offset' | 'index' | 'weight'>): number {
    const { table } = this;
    const ticket = table.take(about.flags);
    table.idHigh[ticket] = about.idHigh;
    table.idLow[ticket] = about.idLow;
    table.received[ticket] = about.receivedAt;
    table.attempts[ticket] = Math.min(about.attempts, 0xffff);
    table.next[ticket] = about.next;
    table.place[ticket] = this.places.hold(about.place);
    table.reply[ticket] = this.replies.hold(about.reply);
    return ticket;
  }

  /** The message lies there now. */
  settle(ticket: number, segment: Segment, offset: number, index: number, weight: number): void {
    const { table } = this;
    table.slot[ticket] = segment.slot;
    table.offset[ticket] = offset;
    table.index[ticket] = index;
    table.weight[ticket] = weight;
    segment.live++;
    segment.liveBytes += weight;
  }

  /** All messages there get a next attempt and a last reply, in one turn. */
  sweep(where: PlaceParts, next: number, reply: string): void {
    const { table, replies } = this;
    const places = this.places.which((place) => isThere(where, place));
    // Held once before the loop, so that it is not let go in between.
    const number = replies.hold(reply);
    let swept = 0;
    for (let ticket = 0; ticket < table.size; ticket++) {
      if (!table.has(ticket) || !places.has(table.place[ticket] as number)) continue;
      replies.release(table.reply[ticket] as number);
      table.reply[ticket] = number;
      table.next[ticket] = next;
      swept++;
    }
    replies.holdMore(number, swept);
    replies.release(number);
  }

  segmentOf(ticket: number): Segment {
    const segment = this.slots.at(this.table.slot[ticket] as number);
    if (!segment) throw new RangeError(`ticket ${ticket} lies in no segment`);
    return segment;
  }

  /** The message leaves its segment; its ticket stays. */
  unsettle(ticket: number): Segment {
    const segment = this.segmentOf(ticket);
    segment.live--;
    segment.liveBytes -= this.table.weight[ticket] as number;
    return segment;
  }

  /** Everything the table knows, as indexes name it. */
  describe(ticket: number): About {
    const { table } = this;
    return {
      offset: table.offset[ticket] as number,
      index: table.index[ticket] as number,
      idHigh: table.idHigh[ticket] as number,
      idLow: table.idLow[ticket] as number,
      receivedAt: table.received[ticket] as number,
      attempts: table.attempts[ticket] as number,
      next: table.next[ticket] as number,
      flags: table.flags(ticket),
      weight: table.weight[ticket] as number,
      place: this.places.at(table.place[ticket] as number),
      reply: this.replies.at(table.reply[ticket] as number),
      file: this.large.of(ticket),
    };
  }
}
