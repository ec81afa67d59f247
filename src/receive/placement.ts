/** Where a copy is queued: binding group and binding, then the routing domain. */
import type { OutboundValues } from '../config/snapshot.js';
import { foldDomain } from '../kernel/domain.js';
import type { Assignment } from '../module/hooks.js';
import type { Draft } from '../module/message.js';
import { DEFAULT_NAME, type Place, type PlaceTable } from '../module/place.js';

/** What placing needs to know of the configuration. */
export interface Bindings {
  /** Members of a binding group that exist, in file order. */
  membersOf(group: string): readonly string[];
  /** Group of a binding, or undefined when there is no such binding. */
  groupOf(binding: string): string | undefined;
  /** Mail may leave from this binding here: its address is this machine's. All are when not given. */
  isLocal?(binding: string): boolean;
  at(parts: { readonly group?: string; readonly binding?: string; readonly domain?: string }): OutboundValues;
}

/** The copy cannot be placed: no binding was chosen and `default_binding = none`. */
export const UNPLACED = Symbol('unplaced');

/**
 * Chooses the place. A group without a binding picks among its members, at random by their weight: local ones before others, those
 * that are suspended only when all are. A name that does not exist falls back to the default binding. `random` answers a number
 * in [0, 1).
 */
export function choosePlace(
  draft: Draft,
  assigned: Assignment | undefined,
  bindings: Bindings,
  places: PlaceTable,
  random: () => number,
): Place | typeof UNPLACED {
  const { domain } = draft.recipient;
  const wantedBinding = assigned?.binding ?? draft.binding;
  const wantedGroup = assigned?.group ?? draft.bindingGroup;
  const wanted = {
    ...(wantedBinding !== undefined && { binding: wantedBinding }),
    ...(wantedGroup !== undefined && { group: wantedGroup }),
  };
  const [group, binding] = chooseBinding(wanted, domain, bindings, random);
  const options = bindings.at(parts(group, binding, domain));
  if (binding === DEFAULT_NAME && options.default_binding === 'none') return UNPLACED;
  return places.of(group, binding, draft.routingDomain ?? gatewayName(options.gateway) ?? foldDomain(domain));
}

const parts = (group: string, binding: string, domain: string) => ({
  ...(group !== DEFAULT_NAME && { group }),
  ...(binding !== DEFAULT_NAME && { binding }),
  domain,
});

/**
 * The place of a mail that is bound anew; its routing domain stays. What a hook assigns goes first; else a member of its group, its
 * own binding where that stands alone, and the default binding where neither exists any more. Where default_binding forbids that,
 * the mail stays.
 */
export function rebindPlace(
  { place, recipient }: { readonly place: Place; readonly recipient: Draft['recipient'] },
  assigned: Assignment | undefined,
  bindings: Bindings,
  places: PlaceTable,
  random: () => number,
): Place {
  const standsAlone = bindings.groupOf(place.binding) === '';
  const group = bindings.groupOf(place.binding) || place.group;
  const wanted = assigned ?? (standsAlone ? { binding: place.binding } : { group });
  const [chosenGroup, chosen] = chooseBinding(wanted, recipient.domain, bindings, random);
  const options = bindings.at(parts(chosenGroup, chosen, place.domain));
  if (chosen === DEFAULT_NAME && place.binding !== DEFAULT_NAME && options.default_binding === 'none') return place;
  return places.of(chosenGroup, chosen, place.domain);
}

/** Group and binding that an assignment comes to. */
function chooseBinding(wanted: Assignment, domain: string, bindings: Bindings, random: () => number): readonly [string, string] {
  const { binding, group } = wanted;
  if (binding !== undefined) {
    const own = bindings.groupOf(binding);
    if (own !== undefined) return [own || DEFAULT_NAME, binding];
  }
  const picked = group === undefined ? undefined : pickMember(group, domain, bindings, random);
  return group === undefined || picked === undefined ? [DEFAULT_NAME, DEFAULT_NAME] : [group, picked];
}

function pickMember(group: string, domain: string, bindings: Bindings, random: () => number): string | undefined {
  const members = bindings.membersOf(group);
  const near = bindings.isLocal ? members.filter((binding) => bindings.isLocal?.(binding)) : members;
  const reachable = near.length > 0 ? near : members;
  const optionsOf = (binding: string): OutboundValues => bindings.at({ group, binding, domain });
  const awake = reachable.filter((binding) => !optionsOf(binding).suspend_delivery);
  return pickByWeight(awake.length > 0 ? awake : reachable, (binding) => optionsOf(binding).binding_weight, random());
}

/** One of the items by weight; as if all weighed the same when none weighs anything. `point` lies in [0, 1). */
function pickByWeight<T>(items: readonly T[], weightOf: (item: T) => number, point: number): T | undefined {
  const weights = items.map(weightOf);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= 0) return items[Math.floor(point * items.length)];
  let left = point * total;
  for (let i = 0; i < items.length; i++) {
    left -= weights[i] as number;
    if (left < 0) return items[i];
  }
  return items.at(-1);
}

/** Everything behind a gateway is queued under its name. */
const gatewayName = (gateway: string | undefined): string | undefined =>
  gateway === undefined || gateway === '' ? undefined : gateway.toLowerCase();
