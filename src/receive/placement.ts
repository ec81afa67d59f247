/** Where a copy is queued: binding group and binding, then the routing domain. */
import type { OutboundValues } from '../config/snapshot.js';
import type { Assignment } from '../module/hooks.js';
import type { Draft } from '../module/message.js';
import { DEFAULT_NAME, type Place, type PlaceTable } from '../module/place.js';

/** What placing needs to know of the configuration. */
export interface Bindings {
  /** Members of a binding group that exist, in file order. */
  membersOf(group: string): readonly string[];
  /** Group of a binding, or undefined when there is no such binding. */
  groupOf(binding: string): string | undefined;
  at(parts: { readonly group?: string; readonly binding?: string; readonly domain?: string }): OutboundValues;
}

/** The copy cannot be placed: no binding was chosen and `default_binding = none`. */
export const UNPLACED = Symbol('unplaced');

/**
 * Chooses the place. A group without a binding picks among its members that are not suspended, at random; a name that
 * does not exist falls back to the default binding. `random` answers a number in [0, 1).
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
  let group = DEFAULT_NAME;
  let binding = DEFAULT_NAME;
  if (wantedBinding !== undefined && bindings.groupOf(wantedBinding) !== undefined) {
    binding = wantedBinding;
    group = bindings.groupOf(wantedBinding) || DEFAULT_NAME;
  } else if (wantedGroup !== undefined) {
    const picked = pickMember(wantedGroup, domain, bindings, random);
    if (picked !== undefined) {
      binding = picked;
      group = wantedGroup;
    }
  }
  const options = bindings.at(parts(group, binding, domain));
  if (binding === DEFAULT_NAME && options.default_binding === 'none') return UNPLACED;
  return places.of(group, binding, draft.routingDomain ?? gatewayName(options.gateway) ?? domain);
}

const parts = (group: string, binding: string, domain: string) => ({
  ...(group !== DEFAULT_NAME && { group }),
  ...(binding !== DEFAULT_NAME && { binding }),
  domain,
});

function pickMember(group: string, domain: string, bindings: Bindings, random: () => number): string | undefined {
  const members = bindings.membersOf(group);
  const awake = members.filter((binding) => !bindings.at({ group, binding, domain }).suspend_delivery);
  const choice = awake.length > 0 ? awake : members;
  return choice[Math.floor(random() * choice.length)];
}

/** Everything behind a gateway is queued under its name. */
const gatewayName = (gateway: string | undefined): string | undefined =>
  gateway === undefined || gateway === '' ? undefined : gateway.toLowerCase();
