/** What is counted for reports: sessions by domain and policy, failures by kind and host; and how counts add up. */
import type { TlsFault, TlsOutcome, TlsPolicyFacts } from '../module/tls-demand.js';

export interface FailureCount {
  readonly fault: TlsFault;
  readonly host: string;
  readonly ip: string;
  readonly source: string;
  readonly detail: string;
  count: number;
}

export interface Tally {
  readonly policy: TlsPolicyFacts;
  succeeded: number;
  failed: number;
  readonly failures: Map<string, FailureCount>;
}

/** Tallies of one domain by policy. */
export type DomainTally = Map<string, Tally>;

/** Policies of one domain and kinds of failure of one policy that are told apart; the rest is counted in the sums alone. */
const MOST_POLICIES = 32;
const MOST_FAILURES = 200;
const LONGEST_DETAIL = 200;

/** A line of the ledger: what was added for one domain under one policy. */
export interface Entry {
  readonly domain: string;
  readonly policy: TlsPolicyFacts;
  readonly succeeded: number;
  readonly failed: number;
  readonly failures: readonly FailureCount[];
}

const NO_POLICY = (domain: string): TlsPolicyFacts => ({ type: 'no-policy-found', domain, strings: [], mxPatterns: [] });

export function entryOf(outcome: TlsOutcome): Entry {
  const { domain, fault, host, ip, detail } = outcome;
  const policy = outcome.policy ?? NO_POLICY(domain);
  if (fault === undefined) return { domain, policy, succeeded: 1, failed: 0, failures: [] };
  const failure = { fault, host, ip, source: outcome.source ?? '', detail: detail.slice(0, LONGEST_DETAIL), count: 1 };
  return { domain, policy, succeeded: 0, failed: 1, failures: [failure] };
}

/** Adds one line to what is known of a domain. */
export function addEntry(tallies: DomainTally, { policy, succeeded, failed, failures }: Entry): void {
  const key = keyOf(policy);
  let tally = tallies.get(key);
  if (!tally) {
    if (tallies.size >= MOST_POLICIES) return;
    tally = { policy, succeeded: 0, failed: 0, failures: new Map() };
    tallies.set(key, tally);
  }
  tally.succeeded += succeeded;
  tally.failed += failed;
  for (const failure of failures) {
    const { fault, host, ip, source, detail, count } = failure;
    const kind = [fault, host, ip, source, detail].join('\n');
    const known = tally.failures.get(kind);
    if (known) known.count += count;
    else if (tally.failures.size < MOST_FAILURES) tally.failures.set(kind, { ...failure });
  }
}

const keyOf = ({ type, domain, strings }: TlsPolicyFacts): string => [type, domain, ...strings].join('\n');

/** The lines that give the same tallies again. */
export function* entriesOf(domain: string, tallies: DomainTally): IterableIterator<Entry> {
  for (const { policy, succeeded, failed, failures } of tallies.values())
    yield { domain, policy, succeeded, failed, failures: [...failures.values()] };
}

/** A line read back from disk; undefined when it is none. */
export function readEntry(line: string): Entry | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isEntry(entry) ? entry : undefined;
}

function isEntry(x: unknown): x is Entry {
  if (typeof x !== 'object' || x === null) return false;
  const { domain, policy, succeeded, failed, failures } = x as Partial<Entry>;
  return (
    typeof domain === 'string' &&
    typeof policy === 'object' &&
    Array.isArray(policy.strings) &&
    Array.isArray(policy.mxPatterns) &&
    typeof succeeded === 'number' &&
    typeof failed === 'number' &&
    Array.isArray(failures)
  );
}
