/** The scheduler's decision: may mail of a place start now, and why does one mail wait. Pure; the scheduler itself asks the first half. */
import type { Hindrance } from '../module/flow.js';
import type { Place } from '../module/place.js';
import type { List } from './entries.js';
import { LIST } from './entries.js';
import { REASONS, type Reason, reason } from './reasons.js';
import type { Unbound } from './settings.js';

/** What is known about a place. Times are monotonic milliseconds. */
export interface PlaceView {
  /** Why the spool takes no outcomes. */
  readonly blocked: string | undefined;
  readonly suspended: boolean;
  /** Why the binding sends nothing. */
  readonly unbound?: Unbound | undefined;
  readonly hold: { readonly why: string; readonly until: number | undefined } | undefined;
}

/** What is known about a mail. */
export interface EntryView {
  readonly list: List;
  readonly due: number;
  readonly attempts: number;
  /** Due mails in front of it; only asked for when it is due. */
  readonly ahead: number;
  /** Reason it was set aside or ended. */
  readonly note: string;
  /** When its age ends it; undefined when that is not asked for. */
  readonly expires?: number;
}

/** What lies around a mail that is asked about. */
export interface View extends PlaceView {
  hindrance(place: Place): Hindrance | undefined;
  wallOf(mono: number): number;
}

/** No mail of this place may start. */
export const isHeldUp = (view: PlaceView): boolean =>
  view.blocked !== undefined || view.suspended || view.unbound !== undefined || view.hold !== undefined;

/** Why this mail is not gone yet: what holds it first. */
export const explain = (place: Place, entry: EntryView, now: number, view: View): Reason =>
  explainAll(place, entry, now, view)[0] ?? reason(REASONS.next);

/** Everything that holds this mail, the first obstacle first; at the end when it is given up, when that is known. */
export function explainAll(place: Place, entry: EntryView, now: number, view: View): readonly Reason[] {
  switch (entry.list) {
    case LIST.none:
      return [reason(REASONS.unknown)];
    case LIST.held:
      return [reason(REASONS.held, entry.note)];
    case LIST.ending:
      return [reason(REASONS.ending, entry.note)];
    case LIST.taken:
      return [reason(REASONS.taken)];
  }
  const isDelayed = entry.list === LIST.delayed && entry.due > now;
  const chain = isDelayed ? [reason(REASONS.not_due, String(entry.attempts), { untilMs: view.wallOf(entry.due) })] : [];
  chain.push(...explainPlace(place, view));
  if (!isDelayed) {
    if (entry.ahead > 0) chain.push(reason(REASONS.behind, String(entry.ahead)));
    else if (chain.length === 0) chain.push(reason(REASONS.next));
  }
  if (entry.expires !== undefined) chain.push(reason(REASONS.expires, '', { untilMs: view.wallOf(entry.expires) }));
  return chain;
}

/** What holds all mail of a place that is due: every stop, and what delivery says when nothing stops it. */
export function explainPlace(place: Place, view: View): readonly Reason[] {
  const chain: Reason[] = [];
  if (view.blocked !== undefined) chain.push(reason(REASONS.spool_blocked, view.blocked));
  if (view.suspended) chain.push(reason(REASONS.suspended));
  if (view.unbound === 'removed') chain.push(reason(REASONS.binding_removed, place.binding));
  if (view.unbound === 'suspended') chain.push(reason(REASONS.default_suspended));
  if (view.hold) {
    const { why, until } = view.hold;
    chain.push(reason(REASONS.stopped, why, { untilMs: until === undefined ? undefined : view.wallOf(until) }));
  }
  if (chain.length > 0) return chain;
  const hindrance = view.hindrance(place);
  return hindrance ? [{ ...reason(REASONS.carrier, hindrance.text, hindrance), ...pick(hindrance) }] : [];
}

const pick = ({ code, limit }: Hindrance): { code: string; limit?: string } => (limit === undefined ? { code } : { code, limit });
