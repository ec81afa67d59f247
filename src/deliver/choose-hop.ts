/** The order in which the hops of a route are tried. Pure. */
import type { RankedHop } from '../module/resolver.js';

export interface HopView {
  /** Was tried by this connection, or lies beyond a limit that is full. */
  isOut(hop: RankedHop): boolean;
  /** Is left alone after a failure. */
  isQuarantined(hop: RankedHop): boolean;
  /** Connections of this place to it. */
  load(hop: RankedHop): number;
}

/**
 * Lowest preference first, equals filled evenly (the least loaded, then the first). Hosts in quarantine are passed over; when
 * nothing else is left the best of them is tried all the same, so that a place with one host never waits for its quarantine.
 */
export function chooseHop(hops: readonly RankedHop[], view: HopView): RankedHop | undefined {
  return best(hops, view, false) ?? best(hops, view, true);
}

function best(hops: readonly RankedHop[], view: HopView, quarantinedToo: boolean): RankedHop | undefined {
  let found: RankedHop | undefined;
  let foundLoad = 0;
  for (const hop of hops) {
    if (found && hop.preference > found.preference) continue;
    if (view.isOut(hop) || (!quarantinedToo && view.isQuarantined(hop))) continue;
    const load = view.load(hop);
    if (found && hop.preference === found.preference && load >= foundLoad) continue;
    found = hop;
    foundLoad = load;
  }
  return found;
}

/** One address and port: a host behind two names is one hop. */
export const hopKey = ({ ip, port }: RankedHop): string => `${ip}|${port}`;
