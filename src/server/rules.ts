/** One configuration in force, as reception sees it. */
import type { Snapshot } from '../config/snapshot.js';
import type { Chains } from '../module/hook-set.js';
import type { Session } from '../module/session.js';
import type { Rules } from '../receive/ports.js';

/** Where a session stands in the configuration. */
export const inboundWhere = (session: Session & { readonly stanza?: string }) => ({
  listener: session.stanza ?? 'esmtp_listener',
  listen: session.listener,
  peerIp: session.peer.ip,
  // Set by a policy or a trusted peer; then it goes before what the listener names.
  pathway: session.facts.get('pathway'),
});

export function makeRules(snapshot: Snapshot, chains: Chains): Rules {
  const members = new Map(snapshot.groups().map(({ name, members: names }) => [name, names]));
  return {
    chains,
    bindings: {
      membersOf: (group) => members.get(group) ?? [],
      groupOf: (binding) => snapshot.groupOf(binding) ?? (snapshot.bindings().some(({ name }) => name === binding) ? '' : undefined),
      at: (parts) => snapshot.at(parts),
    },
    inbound: (session) => snapshot.inbound(inboundWhere(session)),
    pathwayOf: (session) => snapshot.pathwayOf(inboundWhere(session)),
    outbound: (domain) => snapshot.at({ domain }),
    throttleScope: (session) => snapshot.find('inbound_throttle_messages', inboundWhere(session)).scopeKey,
  };
}
