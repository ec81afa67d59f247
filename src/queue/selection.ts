/** Which mails an operator means: by where they wait, by age, by sender, header or fact. The last three are read from the record. */
import type { Copy } from '../module/copy.js';
import type { Place, PlaceParts } from '../module/place.js';
import type { List } from './entries.js';
import { matches } from './holds.js';
import type { ReadBack } from './read-back.js';
import type { Stock } from './stock.js';

export interface Filter extends PlaceParts {
  /** Envelope sender: an address, `@domain`, or `<>`. */
  readonly sender?: string;
  /** A header field that contains a text, whatever the case. */
  readonly header?: readonly [name: string, text: string];
  /** A fact of the message with exactly this value. */
  readonly meta?: readonly [key: string, value: string];
  /** Received at least so long ago. */
  readonly olderSeconds?: number;
}

/** What was concerned. */
export interface Touched {
  readonly messages: number;
  readonly queues: number;
  /** The queues by name when they are few: several workers may have mail in the same one. */
  readonly names?: readonly string[];
}

/** Queues that are told by name. */
const MOST_NAMES = 1000;

/** Every mail of the places is meant. */
export const namesPlacesOnly = ({ sender, header, meta, olderSeconds }: Filter): boolean =>
  sender === undefined && !header && !meta && olderSeconds === undefined;

/** Records read at the same time. */
const AT_ONCE = 32;

/** The sender is the one that is meant. */
export function isFrom(sender: Copy['sender'], wanted: string): boolean {
  if (wanted === '<>' || wanted === '') return sender === null;
  if (!sender) return false;
  const text = sender.toString().toLowerCase();
  const name = wanted.toLowerCase();
  return name.startsWith('@') ? text.endsWith(name) : text === name;
}

function fits(mail: Copy, { sender, header, meta }: Filter): boolean {
  if (sender !== undefined && !isFrom(mail.sender, sender)) return false;
  if (meta && mail.facts.get(meta[0]) !== meta[1] && mail.reception.facts.get(meta[0]) !== meta[1]) return false;
  if (!header) return true;
  const text = header[1].toLowerCase();
  return mail.headers.all(header[0]).some((value) => value.toLowerCase().includes(text));
}

export class Selection {
  readonly #stock: Stock;
  readonly #readBack: ReadBack;

  constructor(stock: Stock, readBack: ReadBack) {
    this.#stock = stock;
    this.#readBack = readBack;
  }

  /**
   * Hands all matching mails of some lists to `act`, a handful at a time, at the moment they are known to match. A mail that cannot
   * be read does not match. `signal` ends it between two handfuls.
   */
  async each(filter: Filter, lists: readonly List[], act: (tickets: readonly number[]) => void, signal: AbortSignal): Promise<Touched> {
    const chosen = this.#candidates(filter, lists);
    const places = new Set<number>();
    let messages = 0;
    const touch = (tickets: readonly number[]): void => {
      for (const ticket of tickets) places.add(this.#stock.entries.place(ticket));
      messages += tickets.length;
      act(tickets);
    };
    if (filter.sender === undefined && !filter.header && !filter.meta) touch(chosen);
    else {
      for (let next = 0; next < chosen.length; next += AT_ONCE) {
        signal.throwIfAborted();
        const handful = chosen.slice(next, next + AT_ONCE);
        const kept = await Promise.all(handful.map((ticket) => this.#isMeant(ticket, filter)));
        touch(handful.filter((ticket, i) => kept[i] !== undefined && this.#isStill(ticket, kept[i], lists)));
      }
    }
    return { messages, queues: places.size, ...(places.size <= MOST_NAMES && { names: this.#namesOf(places) }) };
  }

  #namesOf(places: ReadonlySet<number>): readonly string[] {
    const names: string[] = [];
    for (const { index, group, binding, domain } of this.#stock.places) if (places.has(index)) names.push(`${group}/${binding}/${domain}`);
    return names;
  }

  /** A mail's record; undefined when it cannot be read. */
  async read(ticket: number): Promise<Copy | undefined> {
    try {
      return await this.#readBack.read(ticket);
    } catch {
      return undefined;
    }
  }

  /** Id of the mail when its record fits. */
  async #isMeant(ticket: number, filter: Filter): Promise<string | undefined> {
    const mail = await this.read(ticket);
    return mail && fits(mail, filter) ? mail.id : undefined;
  }

  /** The ticket was not given to another mail while records were read. */
  #isStill(ticket: number, id: string | undefined, lists: readonly List[]): boolean {
    return lists.includes(this.#stock.entries.list(ticket)) && this.#stock.spool.id(ticket) === id;
  }

  #candidates(filter: Filter, lists: readonly List[]): readonly number[] {
    const { entries, anchor, places } = this.#stock;
    const before = filter.olderSeconds === undefined ? undefined : anchor.mono() - filter.olderSeconds * 1000;
    const found: number[] = [];
    const meant = (place: Place): boolean => matches(filter, place);
    for (const place of places) {
      if (!meant(place)) continue;
      for (const list of lists)
        for (const ticket of entries.walk(place.index, list))
          if (before === undefined || entries.received(ticket) <= before) found.push(ticket);
    }
    return found;
  }
}
