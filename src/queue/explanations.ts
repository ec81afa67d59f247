/** Why mails and places wait: the scheduler's own decision run dry, with where each option behind it is written. */
import type { Place, PlaceParts } from '../module/place.js';
import type { Endings } from './endings.js';
import { LIST } from './entries.js';
import { type EntryView, explainAll, explainPlace, type PlaceView, type View } from './explain.js';
import { matches } from './holds.js';
import { optionOf, REASONS, type Reason, reason } from './reasons.js';
import { type Counts, countsFrom } from './rows.js';
import { countBefore, smallest } from './select.js';
import type { Stock } from './stock.js';

/** A place and all that holds its due mail, or the first of its delayed mail when none is due; no reasons when it may go. Times are wall milliseconds. */
export interface PlaceWhy extends Counts {
  readonly group: string;
  readonly binding: string;
  readonly domain: string;
  readonly connections: number;
  readonly reasons: readonly Reason[];
  /** When the first of its delayed mail comes due. */
  readonly nextAttempt: number | undefined;
  /** The mail that comes due first. */
  readonly nextId: string | undefined;
}

/** How many mails wait for one reason. */
export interface ReasonCount {
  readonly code: string;
  readonly messages: number;
}

export type Usage = (limit: string) => { readonly used: number; readonly limit: number } | undefined;

export class Explanations {
  readonly #stock: Stock;
  readonly #endings: Endings;
  readonly #usage: Usage;

  /** `usage` tells what is taken of a limit of delivery. */
  constructor(stock: Stock, endings: Endings, usage: Usage) {
    this.#stock = stock;
    this.#endings = endings;
    this.#usage = usage;
  }

  /** Everything that holds one mail, the first obstacle first. `quarantined` is the reason in its record, when that was read. */
  ofMail(ticket: number | undefined, quarantined?: string): readonly [Reason, ...Reason[]] {
    const { entries, anchor } = this.#stock;
    const list = ticket === undefined ? LIST.none : entries.list(ticket);
    if (ticket === undefined || list === LIST.none) return [reason(REASONS.unknown)];
    const place = this.#stock.placeOf(ticket);
    const now = anchor.mono();
    const isDue = list === LIST.active || list === LIST.urgent || list === LIST.patient;
    const entry: EntryView = {
      list,
      due: entries.due(ticket),
      attempts: entries.attempts(ticket),
      ahead: isDue ? this.#countAhead(ticket, place) : 0,
      note: list === LIST.ending ? this.#endings.noteOf(ticket) : (quarantined ?? 'by a policy or an operator'),
      expires: entries.received(ticket) + this.#stock.settings(place).retry.expirationSeconds * 1000,
    };
    const [first = reason(REASONS.next), ...rest] = explainAll(place, entry, now, this.#viewOf(place, now));
    return [this.#source(first, place), ...rest.map((each) => this.#source(each, place))];
  }

  /** Places with mail and what holds them, the fullest first. */
  ofPlaces(where: PlaceParts, limit: number): readonly PlaceWhy[] {
    const { entries, carrier, anchor, spool } = this.#stock;
    const now = anchor.mono();
    return smallest(this.#usedPlaces(where), limit, (place) => -entries.countAll(place.index)).map((place) => {
      let first: number | undefined;
      for (const ticket of entries.walk(place.index, LIST.delayed))
        if (first === undefined || entries.due(ticket) < entries.due(first)) first = ticket;
      const reasons = explainPlace(place, this.#viewOf(place, now)).map((each) => this.#source(each, place));
      const waits = first !== undefined && reasons.length === 0 && entries.countDue(place.index) === 0;
      return {
        group: place.group,
        binding: place.binding,
        domain: place.domain,
        ...countsFrom((list) => entries.count(place.index, list)),
        connections: carrier?.connections(place) ?? 0,
        reasons: waits ? [this.ofMail(first)[0]] : reasons,
        nextAttempt: first === undefined ? undefined : anchor.wallOf(entries.due(first)),
        nextId: first === undefined ? undefined : spool.id(first),
      };
    });
  }

  /** All mail by the reason it waits for, the commonest first. Due mail counts by what holds its place. */
  counts(where: PlaceParts = {}): readonly ReasonCount[] {
    const { entries, anchor } = this.#stock;
    const now = anchor.mono();
    const sums = new Map<string, number>();
    const add = (code: string, n: number): void => void (n > 0 && sums.set(code, (sums.get(code) ?? 0) + n));
    for (const place of this.#usedPlaces(where)) {
      const due = entries.countDue(place.index);
      if (due > 0) add(explainPlace(place, this.#viewOf(place, now))[0]?.code ?? REASONS.next.code, due);
      add(REASONS.not_due.code, entries.count(place.index, LIST.delayed));
      add(REASONS.taken.code, entries.count(place.index, LIST.taken));
      add(REASONS.held.code, entries.count(place.index, LIST.held));
      add(REASONS.ending.code, entries.count(place.index, LIST.ending));
    }
    return [...sums].map(([code, messages]) => ({ code, messages })).sort((a, b) => b.messages - a.messages);
  }

  /** Code of the stop that holds a place as a whole, when there is one. */
  stopOf(place: Place): string | undefined {
    const view = this.#viewOf(place, this.#stock.anchor.mono());
    return explainPlace(place, { ...view, hindrance: () => undefined })[0]?.code;
  }

  #viewOf(place: Place, now: number): View & PlaceView {
    const { anchor, carrier, spool, holds } = this.#stock;
    const { values, unbound } = this.#stock.settings(place);
    return {
      blocked: spool.blocked,
      suspended: values.suspend_delivery,
      unbound,
      hold: holds.of(place, now),
      hindrance: (at) => carrier?.hindrance(at),
      wallOf: (mono) => anchor.wallOf(mono),
    };
  }

  /** Adds the option behind a reason, where it is written, and what is taken of its limit. */
  #source(each: Reason, place: Place): Reason {
    const { limit } = each;
    const behind = each.option === undefined ? optionOf(each.code, limit) : { option: each.option };
    const usage = limit === undefined ? undefined : this.#usage(limit);
    if (!behind && !usage) return each;
    const { group, binding, domain } = place;
    const where = { group, binding, domain, ...(behind?.host !== undefined && { host: behind.host }) };
    const origin = behind && this.#stock.find(behind.option, where);
    return {
      ...each,
      ...(behind && { option: behind.option }),
      ...(origin && { origin: pickOrigin(origin) }),
      ...(usage && { used: usage.used, allowed: usage.limit }),
    };
  }

  #countAhead(ticket: number, place: Place): number {
    const { entries } = this.#stock;
    const list = entries.list(ticket);
    const urgent = list === LIST.urgent ? 0 : entries.count(place.index, LIST.urgent);
    const active = list === LIST.patient ? entries.count(place.index, LIST.active) : 0;
    return urgent + active + countBefore(entries.walk(place.index, list), ticket);
  }

  #usedPlaces(where: PlaceParts): readonly Place[] {
    const used: Place[] = [];
    for (const place of this.#stock.places) if (matches(where, place) && this.#stock.entries.countAll(place.index) > 0) used.push(place);
    return used;
  }
}

/** The origin without what else the configuration knows of a setting. */
const pickOrigin = ({ value, scopeKey, file, line }: NonNullable<Reason['origin']>): NonNullable<Reason['origin']> => ({
  value,
  scopeKey,
  ...(file !== undefined && { file }),
  ...(line !== undefined && { line }),
});
