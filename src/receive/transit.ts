/** From a whole draft to durable copies: every hook between the last byte and the spool, for all ways in. */

import type { Address } from '../mail/address.js';
import type { Facts } from '../mail/facts.js';
import type { Headers } from '../mail/headers.js';
import type { Reply } from '../mail/reply.js';
import { Copy } from '../module/copy.js';
import type { Chains } from '../module/hook-set.js';
import { type DeliverNow, isRefusal, type Verdict } from '../module/verdict.js';
import { choosePlace, UNPLACED } from './placement.js';
import type { ReceivePorts, Rules } from './ports.js';
import { EXPANDS_TOO_FAR, NO_BINDING } from './replies.js';

/** Everything RCPT told of one recipient. */
export interface Recipient {
  /** Which RCPT it comes from; what an expansion brings keeps the number of what it replaces. */
  readonly origin: number;
  readonly address: Address;
  readonly notify: number;
  readonly originalRecipient: string | undefined;
}

/** A copy that a hook refused, with what it said. */
export interface RefusedCopy {
  readonly copy: Copy;
  readonly origin: number;
  readonly reply: Reply;
  readonly by: string;
}

/** A copy that a module delivers itself. */
export interface DoorstepCopy {
  readonly copy: Copy;
  readonly origin: number;
  readonly verdict: DeliverNow;
}

/** A copy that a module has delivered, with its reply. */
export interface DeliveredCopy {
  readonly copy: Copy;
  readonly origin: number;
  readonly reply: Reply;
}

export type Passage =
  | {
      readonly kind: 'refused';
      readonly reply: Reply;
      readonly by: string;
      readonly disconnect: boolean;
      /** When the copies were refused one by one: each of them. */
      readonly each?: readonly RefusedCopy[];
    }
  | { readonly kind: 'discarded'; readonly by: string; readonly reason: string }
  | {
      readonly kind: 'copies';
      readonly copies: readonly Copy[];
      readonly refused: readonly RefusedCopy[];
      /** RCPT of each copy, in their order; behind them those of `delivered`. */
      readonly origins: readonly number[];
      /** Copies to be delivered as soon as the others are durable; there may then be no others. */
      readonly doorstep?: readonly DoorstepCopy[];
      /** What became of `doorstep` where it went well. */
      readonly delivered?: readonly DeliveredCopy[];
    };

/** How deep an expansion may lead from one recipient, and how wide. */
const MAX_EXPANSION_DEPTH = 16;
const MAX_EXPANSION = 10_000;

const isLater = <T>(x: T | Promise<T>): x is Promise<T> => x instanceof Promise;

export class Transit {
  readonly #ports: ReceivePorts;

  constructor(ports: ReceivePorts) {
    this.#ports = ports;
  }

  /** Runs spool_message, expand, spool, assign, final and sign. The draft carries final headers and content. */
  async pass(draft: Copy, recipients: readonly Recipient[], rules: Rules): Promise<Passage> {
    const { chains } = rules;
    if (!chains.spool_message.empty) {
      const said = chains.spool_message.run(draft);
      const ended = endOf(isLater(said) ? await said : said);
      if (ended) return ended;
    }
    const targets = chains.expand.empty ? recipients : await this.#expand(draft, recipients, chains);
    if (!targets) return { kind: 'refused', reply: EXPANDS_TOO_FAR, by: '', disconnect: false };
    const copies = makeCopies(draft, targets, this.#ports, !touchesCopies(chains));
    const kept: Copy[] = [];
    const origins: number[] = [];
    const refused: RefusedCopy[] = [];
    let doorstep: DoorstepCopy[] | undefined;
    let dropped: Exclude<Passage, { kind: 'copies' }> | undefined;
    for (const [index, copy] of copies.entries()) {
      const origin = targets[index]?.origin ?? 0;
      const verdict = await this.#placeCopy(copy, rules);
      if (!verdict) {
        kept.push(copy);
        origins.push(origin);
        continue;
      }
      if ('do' in verdict) {
        doorstep ??= [];
        doorstep.push({ copy, origin, verdict });
        continue;
      }
      if (verdict.kind === 'refused') refused.push({ copy, origin, reply: verdict.reply, by: verdict.by });
      if (verdict.kind === 'refused' && verdict.disconnect) return verdict;
      dropped = verdict;
    }
    if (kept.length === 0 && !doorstep) {
      const [first] = refused;
      if (first) return { kind: 'refused', reply: first.reply, by: first.by, disconnect: false, each: refused };
      return dropped ?? { kind: 'discarded', by: '', reason: 'expanded to nobody' };
    }
    shareEqualHeaders(kept);
    return doorstep ? { kind: 'copies', copies: kept, refused, origins, doorstep } : { kind: 'copies', copies: kept, refused, origins };
  }

  /** Asks the hooks about one copy and gives it its place; nothing means that it goes to the spool. */
  async #placeCopy(copy: Copy, rules: Rules): Promise<Exclude<Passage, { kind: 'copies' }> | DeliverNow | undefined> {
    const { chains } = rules;
    let delivers: DeliverNow | undefined;
    if (!chains.spool.empty) {
      const said = await chains.spool.run(copy);
      const ended = endOf(said);
      if (ended) return ended;
      if (said?.do === 'deliver') delivers = said;
    }
    const assigned = chains.assign.empty ? undefined : await chains.assign.run(copy);
    const place = choosePlace(copy, assigned, rules.bindings, this.#ports.places, this.#ports.random);
    if (place === UNPLACED) return { kind: 'refused', reply: NO_BINDING, by: '', disconnect: false };
    copy.place = place;
    if (!chains.final.empty) {
      const ended = endOf(await chains.final.run(copy, place));
      if (ended) return ended;
    }
    if (!chains.sign.empty) {
      const ended = endOf(await chains.sign.run(copy, place));
      if (ended) return ended;
    }
    // What was set aside or is to be held back has to be kept.
    return copy.quarantined === undefined && copy.nextAttempt <= this.#ports.clock.now() ? delivers : undefined;
  }

  /**
   * Asks for every address, also for those an answer brought, each once; undefined when it would lead to too many. Who is
   * named by the client keeps a copy of his own. An address that leads back to itself stays as it is: nothing gets lost.
   */
  async #expand(draft: Copy, recipients: readonly Recipient[], chains: Chains): Promise<readonly Recipient[] | undefined> {
    const most = MAX_EXPANSION + recipients.length;
    const seen = new Set(recipients.map(({ address }) => String(address)));
    const circles = new Set<string>();
    const found: Recipient[] = [];
    const visit = async (target: Recipient, path: readonly string[]): Promise<void> => {
      if (found.length > most || seen.size > most) return;
      const answer = path.length < MAX_EXPANSION_DEPTH ? await chains.expand.run(target.address, draft) : undefined;
      if (answer === undefined) return void found.push(target);
      const key = String(target.address);
      const inside = [...path, key];
      for (const address of answer) {
        const name = String(address);
        const next = {
          origin: target.origin,
          address,
          notify: target.notify,
          originalRecipient: target.originalRecipient ?? `rfc822;${key}`,
        };
        if (inside.includes(name)) {
          if (!circles.has(name)) found.push(name === key ? target : next);
          circles.add(name);
        } else if (!seen.has(name)) {
          seen.add(name);
          await visit(next, inside);
        }
      }
    };
    for (const recipient of recipients) await visit(recipient, []);
    return found.length > most || seen.size > most ? undefined : found;
  }
}

const touchesCopies = (chains: Chains): boolean => !(chains.spool.empty && chains.final.empty && chains.sign.empty && chains.assign.empty);

/** A verdict that ends the way, as a passage. */
export function endOf(verdict: Verdict): Exclude<Passage, { kind: 'copies' }> | undefined {
  if (!verdict) return undefined;
  const by = verdict.by ?? '';
  if (isRefusal(verdict)) return { kind: 'refused', reply: verdict.reply, by, disconnect: verdict.do === 'disconnect' };
  return verdict.do === 'discard' ? { kind: 'discarded', by, reason: verdict.reason } : undefined;
}

/** One copy a recipient. They share body and headers; where a hook may change them, each has headers of its own. */
function makeCopies(draft: Copy, targets: readonly Recipient[], ports: ReceivePorts, share: boolean): readonly Copy[] {
  const [only] = targets;
  if (targets.length === 1 && only) {
    draft.recipients = [only.address];
    draft.notify = only.notify;
    draft.originalRecipient = only.originalRecipient;
    return [draft];
  }
  return targets.map((target) => {
    const headers: Headers = share ? draft.headers : draft.headers.clone();
    const facts: Facts = draft.facts.clone();
    const copy = new Copy(ports.nextId(), draft.reception, [target.address], headers, draft.content, facts);
    copy.notify = target.notify;
    copy.originalRecipient = target.originalRecipient;
    copy.priority = draft.priority;
    copy.nextAttempt = draft.nextAttempt;
    copy.quarantined = draft.quarantined;
    copy.unspooled = draft.unspooled;
    copy.notice = draft.notice;
    if (draft.binding !== undefined) copy.binding = draft.binding;
    if (draft.bindingGroup !== undefined) copy.bindingGroup = draft.bindingGroup;
    if (draft.routingDomain !== undefined) copy.routingDomain = draft.routingDomain;
    return copy;
  });
}

/** Copies whose header bytes came out equal share them again: one block in the spool, one batch at delivery. */
function shareEqualHeaders(copies: readonly Copy[]): void {
  const [model] = copies;
  if (!model || copies.length === 1) return;
  const bytes = model.headers.bytes();
  for (const copy of copies) {
    if (copy.headers !== model.headers && copy.headers.bytes().equals(bytes)) copy.headers = model.headers;
  }
}
