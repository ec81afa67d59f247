/** Messages read back from where they lie, in their newest state. */
import type { Disk } from '../kernel/disk.js';
import type { Copy } from '../module/copy.js';
import { FrameCache } from './frame-cache.js';
import { idText } from './id-octets.js';
import { acceptName } from './log-names.js';
import { readPlace } from './place-names.js';
import { problems } from './problems.js';
import type { Stock } from './stock.js';
import { FLAG } from './table.js';

export class Reading {
  readonly #stock: Stock;
  readonly #disk: Disk;
  readonly #frames: FrameCache;

  constructor(stock: Stock, disk: Disk) {
    this.#stock = stock;
    this.#disk = disk;
    this.#frames = new FrameCache(disk);
  }

  /** Rejects with a coded problem when the message ended, or cannot be read as it was written. */
  async read(ticket: number): Promise<Copy> {
    const { table, places, replies } = this.#stock;
    if (!table.has(ticket)) throw problems.GONE(String(ticket));
    const high = table.idHigh[ticket] as number;
    const low = table.idLow[ticket] as number;
    const segment = this.#stock.segmentOf(ticket);
    const index = table.index[ticket] as number;
    const frame = await this.#frames.read(segment, table.offset[ticket] as number, (table.flags(ticket) & FLAG.shared) !== 0);
    const copy = frame.copy(index);
    const id = idText(high, low);
    if (copy.id !== id) throw problems.DAMAGED(id, acceptName(segment.number));
    const { file } = copy.content;
    // A damaged body went into quarantine.
    if (file !== undefined && !(await this.#disk.exists(file))) throw problems.DAMAGED(id, file);
    if (!table.has(ticket) || table.idHigh[ticket] !== high || table.idLow[ticket] !== low) throw problems.GONE(String(ticket));
    copy.ticket = ticket;
    copy.attempts = table.attempts[ticket] as number;
    copy.nextAttempt = table.next[ticket] as number;
    copy.lastReply = replies.at(table.reply[ticket] as number);
    copy.place = { ...readPlace(places.at(table.place[ticket] as number)), index: -1 };
    return copy;
  }
}
