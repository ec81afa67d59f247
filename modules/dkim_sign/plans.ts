/** From the options to what is signed how, for one domain: a plan a signature. */
import { toDomain } from './author.js';
import type { Canon } from './canon.js';
import { parseHeaderList } from './headerlist.js';
import type { DigestName } from './keys.js';
import type { Recipe } from './signature.js';

/** The signing options as a stanza or a dk_domain block has them; a block falls back to the stanza around it. */
export interface SigningOptions {
  readonly selector: string | undefined;
  readonly key: string | undefined;
  readonly ed25519_selector: string | undefined;
  readonly ed25519_key: string | undefined;
  readonly digest: DigestName;
  readonly header_canon: Canon;
  readonly body_canon: Canon;
  readonly headerlist: string | undefined;
  readonly identity: string | undefined;
  readonly lifetime: number | undefined;
  readonly body_length_limit: number | undefined;
  readonly copy_headers: boolean;
  readonly base_domain?: string | undefined;
}

export interface Plan {
  readonly recipe: Recipe;
  readonly keyFile: string;
  /** Octets of the canonical body that are signed. */
  readonly bodyLimit: number;
}

/** Labels of a selector (RFC 6376 3.1). */
const SELECTOR = /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/;

/** Signatures for mail of a domain. A sentence when the options do not go together; an empty list when there is nothing to sign with. */
export function planSignatures(domain: string, options: SigningOptions): readonly Plan[] | string {
  const wrong = findFault(options);
  if (wrong) return wrong.say;
  const mentions = parseHeaderList(options.headerlist ?? '');
  const signs = options.base_domain === undefined ? domain : toDomain(options.base_domain);
  if (signs === undefined) return `base_domain "${options.base_domain}" is no domain`;
  const { identity } = options;
  if (identity !== undefined && !isWithin(identity, signs)) return `identity "${identity}" is not within ${signs} (RFC 6376 3.5)`;
  if (typeof mentions === 'string') return mentions;
  const plan = (selector: string, key: string, digest: DigestName): Plan => ({
    recipe: {
      domain: signs,
      selector,
      digest,
      headerCanon: options.header_canon,
      bodyCanon: options.body_canon,
      headers: mentions,
      identity,
      lifetimeSeconds: options.lifetime === undefined ? undefined : 3600 * options.lifetime,
      limitsBody: options.body_length_limit !== undefined,
      copiesHeaders: options.copy_headers,
    },
    keyFile: key.replaceAll('%{d}', signs).replaceAll('%{s}', selector),
    bodyLimit: options.body_length_limit ?? Number.POSITIVE_INFINITY,
  });
  const plans: Plan[] = [];
  if (options.selector !== undefined && options.key !== undefined) plans.push(plan(options.selector, options.key, options.digest));
  if (options.ed25519_selector !== undefined && options.ed25519_key !== undefined) {
    plans.push(plan(options.ed25519_selector, options.ed25519_key, 'ed25519-sha256'));
  }
  return plans;
}

export interface Fault {
  readonly option: string;
  readonly say: string;
}

/** What is wrong with the options, whatever the domain. */
export function findFault(options: SigningOptions): Fault | undefined {
  const { selector, key, ed25519_selector, ed25519_key, headerlist } = options;
  const one = selector !== undefined && key !== undefined;
  const two = ed25519_selector !== undefined && ed25519_key !== undefined;
  if (headerlist === undefined) return { option: 'headerlist', say: 'headerlist is required: it names the headers that are signed' };
  const mentions = parseHeaderList(headerlist);
  if (typeof mentions === 'string') return { option: 'headerlist', say: mentions };
  if (selector === undefined && key !== undefined) return { option: 'selector', say: 'selector is missing beside key' };
  if (selector !== undefined && key === undefined) return { option: 'key', say: 'key is missing beside selector' };
  if (ed25519_selector === undefined && ed25519_key !== undefined)
    return { option: 'ed25519_selector', say: 'ed25519_selector is missing beside ed25519_key' };
  if (ed25519_selector !== undefined && ed25519_key === undefined)
    return { option: 'ed25519_key', say: 'ed25519_key is missing beside ed25519_selector' };
  if (!one && !two) return { option: 'key', say: 'key and selector are missing: there is nothing to sign with' };
  for (const name of [selector, ed25519_selector]) {
    if (name !== undefined && !SELECTOR.test(name)) return { option: 'selector', say: `"${name}" is no selector` };
  }
  if (one && two && selector === ed25519_selector) {
    return { option: 'ed25519_selector', say: 'ed25519_selector must differ from selector: each key has a record of its own' };
  }
  return undefined;
}

/** Whether i= lies in d= or below it. */
function isWithin(identity: string, domain: string): boolean {
  const at = identity.lastIndexOf('@');
  if (at < 0) return false;
  const own = toDomain(identity.slice(at + 1));
  return own !== undefined && (own === domain || own.endsWith(`.${domain}`));
}
