/** The scheduler's decision: may mail of a place start now, and why does one mail wait. Pure; the scheduler itself asks the first half. */
import type { Hindrance } from '../module/flow.js';
import type { Place } from '../module/place.js';
import type { List } from './entries.js';
import { LIST } from './entries.js';
import { REASONS, type Reason, reason } from './reasons.js';

/** What is known about a place. Times are monotonic milliseconds. */
export interface PlaceView {
  /** Why the spool takes no outcomes. */
  readonly blocked: string | undefined;
  readonly suspended: boolean;
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
}

/** What lies around a mail that is asked about. */
export interface View extends PlaceView {
  hindrance(place: Place): Hindrance | undefined;
  wallOf(mono: number): number;
}

/** Why no mail of this place may start, or undefined. */
export function stopOf(view: PlaceView): { readonly kind: 'blocked' | 'suspended' | 'stopped' } | undefined {
  if (view.blocked !== undefined) return BLOCKED;
  if (view.suspended) return SUSPENDED;
  return view.hold ? STOPPED : undefined;
}

const BLOCKED = { kind: 'blocked' } as const;
const SUSPENDED = { kind: 'suspended' } as const;
const STOPPED = { kind: 'stopped' } as const;

/** Why this mail is not gone yet. */
export function explain(place: Place, entry: EntryView, now: number, view: View): Reason {
  switch (entry.list) {
    case LIST.none:
      return reason(REASONS.unknown);
    case LIST.held:
      return reason(REASONS.held, entry.note);
    case LIST.ending:
      return reason(REASONS.ending, entry.note);
    case LIST.taken:
      return reason(REASONS.taken);
    case LIST.delayed:
      if (entry.due > now) return reason(REASONS.not_due, String(entry.attempts), { untilMs: view.wallOf(entry.due) });
  }
  switch (stopOf(view)?.kind) {
    case 'blocked':
      return reason(REASONS.spool_blocked, view.blocked);
    case 'suspended':
      return reason(REASONS.suspended);
    case 'stopped':
      return reason(REASONS.stopped, view.hold?.why, {
        untilMs: view.hold?.until === undefined ? undefined : view.wallOf(view.hold.until),
      });
  }
  const hindrance = view.hindrance(place);
  if (hindrance) return { ...reason(REASONS.carrier, hindrance.text, hindrance), ...pick(hindrance) };
  return entry.ahead > 0 ? reason(REASONS.behind, String(entry.ahead)) : reason(REASONS.next);
}

const pick = ({ code, limit }: Hindrance): { code: string; limit?: string } => (limit === undefined ? { code } : { code, limit });
