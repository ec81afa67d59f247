/** Calls the roll of everything that waits, a piece at a time: what age and place alone can tell, without reading a message. */
import type { Place } from '../module/place.js';
import { LIST } from './entries.js';
import type { Stock } from './stock.js';

export interface RollEntry {
  readonly ticket: number;
  readonly place: Place;
  /** Wall milliseconds. */
  readonly receivedAt: number;
}

export interface Roll {
  readonly entries: readonly RollEntry[];
  /** Where to go on; undefined at the end. */
  readonly next: number | undefined;
}

/** Mails that are due, delayed or being tried, out of `most` places of the table from `from` on. Those set aside or ended are left out. */
export function callRoll(stock: Stock, from: number, most: number): Roll {
  const { entries, places, anchor } = stock;
  const end = Math.min(entries.capacity, from + most);
  const found: RollEntry[] = [];
  for (let ticket = from; ticket < end; ticket++) {
    const list = entries.list(ticket);
    if (list === LIST.none || list === LIST.held || list === LIST.ending) continue;
    const place = places.at(entries.place(ticket));
    if (place) found.push({ ticket, place, receivedAt: anchor.wallOf(entries.received(ticket)) });
  }
  return { entries: found, next: end < entries.capacity ? end : undefined };
}
