/** What the console shows of the queue: plain data, no words. Times are wall milliseconds. */
import type { Place, PlaceParts } from '../module/place.js';
import { LIST, type List, NOBODY } from './entries.js';
import type { Explanations, PlaceWhy, ReasonCount } from './explanations.js';
import { matches } from './holds.js';
import { problems } from './problems.js';
import type { ReadBack } from './read-back.js';
import type { Reason } from './reasons.js';
import {
  addCounts,
  type BindingRow,
  countsFrom,
  type DomainRow,
  type MailDetails,
  type MailRow,
  type MailState,
  type PlaceRow,
  pickCounts,
  type Summary,
} from './rows.js';
import { smallest } from './select.js';
import type { Stock } from './stock.js';

const STATES: Record<List, MailState> = {
  [LIST.none]: 'ending',
  [LIST.active]: 'active',
  [LIST.urgent]: 'active',
  [LIST.patient]: 'active',
  [LIST.delayed]: 'delayed',
  [LIST.taken]: 'in flight',
  [LIST.held]: 'held',
  [LIST.ending]: 'ending',
};

/** Order in which a place's mails are shown. */
const SHOWN: readonly List[] = [LIST.taken, LIST.urgent, LIST.active, LIST.patient, LIST.delayed, LIST.held, LIST.ending];

const isAll = ({ group, binding, domain }: PlaceParts): boolean => group === undefined && binding === undefined && domain === undefined;

export class QueueViews {
  readonly #stock: Stock;
  readonly #explanations: Explanations;
  readonly #readBack: ReadBack;

  constructor(stock: Stock, explanations: Explanations, readBack: ReadBack) {
    this.#stock = stock;
    this.#explanations = explanations;
    this.#readBack = readBack;
  }

  summary(): Summary {
    const { entries, residents } = this.#stock;
    const used = this.#usedPlaces({});
    return {
      ...countsFrom((list) => entries.total(list)),
      domains: new Set(used.map((place) => place.domain)).size,
      places: used.length,
      residentMails: residents.count,
      residentBytes: residents.bytes,
    };
  }

  /** Places that have mail, those with most of it first. */
  places(where: PlaceParts = {}, limit = Number.POSITIVE_INFINITY): readonly PlaceRow[] {
    return smallest(this.#usedPlaces(where), limit, (place) => -this.#stock.entries.countAll(place.index)).map((place) =>
      this.#placeRow(place),
    );
  }

  /** Domains that have mail, those with most of it first. */
  domains(where: PlaceParts = {}, limit = Number.POSITIVE_INFINITY): readonly DomainRow[] {
    const rows = new Map<string, DomainRow>();
    for (const place of this.#usedPlaces(where)) {
      const row = this.#placeRow(place);
      const known = rows.get(place.domain);
      const sum = known ? addCounts(known, row) : row;
      rows.set(place.domain, { ...pickCounts(sum), domain: place.domain, connections: row.connections + (known?.connections ?? 0) });
    }
    return smallest([...rows.values()], limit, (row) => -row.total);
  }

  /** Bindings that have mail. */
  bindings(where: PlaceParts = {}): readonly BindingRow[] {
    const resident = new Map<string, number>();
    for (const { place } of this.#stock.residents.mails()) resident.set(place.binding, (resident.get(place.binding) ?? 0) + 1);
    const { entries, carrier } = this.#stock;
    // Sums in place: there may be a hundred thousand places, and few bindings.
    const sums = new Map<string, { readonly group: string; readonly counts: number[]; connections: number }>();
    for (const place of this.#usedPlaces(where)) {
      let sum = sums.get(place.binding);
      if (!sum) sums.set(place.binding, (sum = { group: place.group, counts: [], connections: 0 }));
      for (const list of SHOWN) sum.counts[list] = (sum.counts[list] ?? 0) + entries.count(place.index, list);
      sum.connections += carrier?.connections(place) ?? 0;
    }
    return Array.from(sums, ([binding, { group, counts, connections }]) => ({
      ...countsFrom((list) => counts[list] ?? 0),
      group,
      binding,
      connections,
      resident: resident.get(binding) ?? 0,
    }));
  }

  /** When the oldest mail came in; undefined when there is none. Looks at every mail. */
  oldest(where: PlaceParts = {}): number | undefined {
    const { entries, anchor } = this.#stock;
    let oldest = isAll(where) ? entries.oldest() : Number.POSITIVE_INFINITY;
    for (const place of isAll(where) ? [] : this.#usedPlaces(where)) {
      for (const list of SHOWN) for (const ticket of entries.walk(place.index, list)) oldest = Math.min(oldest, entries.received(ticket));
    }
    return oldest === Number.POSITIVE_INFINITY ? undefined : anchor.wallOf(oldest);
  }

  /** Mails of matching places in the order they will go; bodies that are not in memory are read for their addresses. */
  async mails(where: PlaceParts, limit: number, offset = 0): Promise<readonly MailRow[]> {
    const tickets: number[] = [];
    let skip = offset;
    for (const place of this.#usedPlaces(where)) {
      for (const list of SHOWN) {
        if (tickets.length >= limit) break;
        const count = this.#stock.entries.count(place.index, list);
        if (skip >= count) skip -= count;
        else {
          tickets.push(...this.#slice(place, list, skip, limit - tickets.length));
          skip = 0;
        }
      }
    }
    return Promise.all(tickets.map((ticket) => this.#mailRow(ticket)));
  }

  /** Everything about one mail; undefined when it is not in the queue. Rejects when the spool cannot read it. */
  async details(id: string): Promise<MailDetails | undefined> {
    const { entries, residents, spool } = this.#stock;
    const ticket = spool.find(id);
    if (ticket === undefined || entries.list(ticket) === LIST.none) return undefined;
    const resident = residents.at(ticket) !== undefined;
    const mail = await this.#readBack.read(ticket);
    // It may have gone while it was read.
    if (entries.list(ticket) === LIST.none) return undefined;
    const { source } = mail.reception;
    return {
      ...this.#base(ticket),
      sender: mail.sender?.toString() ?? '',
      recipient: mail.recipient.toString(),
      priority: mail.priority,
      lastReply: mail.lastReply,
      protocol: mail.reception.protocol,
      receivedFrom: source ? `${source.ip}:${source.port}` : '',
      size: mail.size,
      resident,
      quarantined: mail.quarantined,
      why: this.#explanations.ofMail(ticket, mail.quarantined)[0],
    };
  }

  /** Why a mail is not gone yet. */
  why(id: string): Reason {
    return this.chain(id)[0];
  }

  /** Everything that keeps a mail here, the first obstacle first. */
  chain(id: string): readonly [Reason, ...Reason[]] {
    return this.#explanations.ofMail(this.#stock.spool.find(id));
  }

  /** What holds the mail of matching places, the fullest first. */
  whyPlaces(where: PlaceParts, limit = 100): readonly PlaceWhy[] {
    return this.#explanations.ofPlaces(where, limit);
  }

  /** All mail by what it waits for. */
  reasons(where: PlaceParts = {}): readonly ReasonCount[] {
    return this.#explanations.counts(where);
  }

  /** A mail's bytes for `message details full`; rejects with NOT_FOUND. */
  async read(id: string) {
    const ticket = this.#stock.spool.find(id);
    if (ticket === undefined || this.#stock.entries.list(ticket) === LIST.none) throw problems.NOT_FOUND(id);
    return this.#readBack.read(ticket);
  }

  #usedPlaces(where: PlaceParts): readonly Place[] {
    const used: Place[] = [];
    for (const place of this.#stock.places) if (matches(where, place) && this.#stock.entries.countAll(place.index) > 0) used.push(place);
    return used;
  }

  #slice(place: Place, list: List, offset: number, limit: number): readonly number[] {
    const { entries } = this.#stock;
    // The delayed list has no order; the first few by next attempt are picked out of it.
    if (list === LIST.delayed) return smallest(entries.walk(place.index, list), offset + limit, (t) => entries.due(t)).slice(offset);
    const tickets: number[] = [];
    let skip = offset;
    for (let t = entries.head(place.index, list); t !== NOBODY && tickets.length < limit; t = entries.next(t))
      if (skip-- <= 0) tickets.push(t);
    return tickets;
  }

  #placeRow(place: Place): PlaceRow {
    const { entries, carrier } = this.#stock;
    return {
      group: place.group,
      binding: place.binding,
      domain: place.domain,
      ...countsFrom((list) => entries.count(place.index, list)),
      connections: carrier?.connections(place) ?? 0,
      stopped: this.#explanations.stopOf(place),
    };
  }

  #base(ticket: number): Omit<MailRow, 'sender' | 'recipient'> {
    const { entries, anchor, spool } = this.#stock;
    const { group, binding, domain } = this.#stock.placeOf(ticket);
    return {
      id: spool.id(ticket),
      state: STATES[entries.list(ticket)],
      group,
      binding,
      domain,
      created: anchor.wallOf(entries.received(ticket)),
      nextAttempt: anchor.wallOf(entries.due(ticket)),
      attempts: entries.attempts(ticket),
    };
  }

  async #mailRow(ticket: number): Promise<MailRow> {
    const row = this.#base(ticket);
    try {
      const mail = await this.#readBack.read(ticket);
      return { ...row, sender: mail.sender?.toString() ?? '', recipient: mail.recipient.toString() };
    } catch {
      return { ...row, sender: undefined, recipient: undefined };
    }
  }
}
