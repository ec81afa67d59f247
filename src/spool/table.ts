/** What the spool keeps in memory of each message: 49 octets in typed arrays, by ticket. */

const FIRST = 1024;
const USED = 1;
/** One that was set aside at its reception; one whose record held other copies as well. On disks, too, like the priority's bits. */
export const FLAG = { quarantined: 4, shared: 8 } as const;

/**
 * A priority, -9 to 9, as flags: its lowest bit has the place of the flag that meant priority 1 while there was no other, the four
 * above it are at the top.
 */
export const flagPriority = (priority: number): number => ((priority & 1) << 1) | ((priority & 0x1e) << 3);

/** The priority that flags tell. */
export const readPriority = (flags: number): number => {
  const five = ((flags >> 1) & 1) | ((flags >> 3) & 0x1e);
  return clampPriority((five << 27) >> 27);
};

/** A priority that was read from a disk, brought to -9 to 9. */
export const clampPriority = (priority: number): number => Math.max(-9, Math.min(9, priority));

export class Table {
  #size = 0;
  readonly #free: number[] = [];
  /** Slot of the segment. */
  slot = new Uint32Array(FIRST);
  /** Offset of the frame. */
  offset = new Uint32Array(FIRST);
  /** Which copy of its frame. */
  index = new Uint16Array(FIRST);
  idHigh = new Uint32Array(FIRST);
  idLow = new Uint32Array(FIRST);
  attempts = new Uint16Array(FIRST);
  /** Wall milliseconds. */
  next = new Float64Array(FIRST);
  received = new Float64Array(FIRST);
  /** Number of the last reply; 0 = none. */
  reply = new Uint32Array(FIRST);
  /** Number of the place. */
  place = new Uint32Array(FIRST);
  /** Its share of the octets of its frame. */
  weight = new Uint32Array(FIRST);
  #flags = new Uint8Array(FIRST);
  count = 0;

  /** Tickets are below this. */
  get size(): number {
    return this.#size;
  }

  /** A ticket that nobody has. */
  take(flags = 0): number {
    const ticket = this.#free.pop() ?? this.#size++;
    if (ticket >= this.#flags.length) this.#grow();
    this.#flags[ticket] = USED | flags;
    this.count++;
    return ticket;
  }

  give(ticket: number): void {
    this.#flags[ticket] = 0;
    this.count--;
    this.#free.push(ticket);
  }

  has(ticket: number): boolean {
    return ((this.#flags[ticket] ?? 0) & USED) !== 0;
  }

  /** What FLAG names, and the priority. */
  flags(ticket: number): number {
    return (this.#flags[ticket] as number) & ~USED;
  }

  /** The ticket of an id, or undefined. Linear. */
  find(idHigh: number, idLow: number): number | undefined {
    for (let ticket = 0; ticket < this.#size; ticket++)
      if (this.idLow[ticket] === idLow && this.idHigh[ticket] === idHigh && this.has(ticket)) return ticket;
    return undefined;
  }

  /** Tickets that fit without growing. */
  get capacity(): number {
    return this.#flags.length;
  }

  /** Makes room for so many more at once: what grows step by step leaves holes in the memory of the process. */
  reserve(more: number): void {
    const wanted = this.count + more;
    if (wanted > this.capacity) this.#grow(Math.max(FIRST, Math.ceil(wanted * 1.05)));
  }

  #grow(length = this.capacity * 2): void {
    const larger = <T extends { set(from: T): void }>(make: (n: number) => T, old: T): T => {
      const grown = make(length);
      grown.set(old);
      return grown;
    };
    const u32 = (old: Uint32Array<ArrayBuffer>) => larger((n) => new Uint32Array(n), old);
    const u16 = (old: Uint16Array<ArrayBuffer>) => larger((n) => new Uint16Array(n), old);
    const f64 = (old: Float64Array<ArrayBuffer>) => larger((n) => new Float64Array(n), old);
    this.slot = u32(this.slot);
    this.offset = u32(this.offset);
    this.index = u16(this.index);
    this.idHigh = u32(this.idHigh);
    this.idLow = u32(this.idLow);
    this.attempts = u16(this.attempts);
    this.next = f64(this.next);
    this.received = f64(this.received);
    this.reply = u32(this.reply);
    this.place = u32(this.place);
    this.weight = u32(this.weight);
    this.#flags = larger((n) => new Uint8Array(n), this.#flags);
  }
}
