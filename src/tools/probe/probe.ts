/** A whole run: the first look, then every case of the matrix on connections of its own, a few at a time and within a time of its own. */

import { type Finding, type Group, needsRecipient, type ProbeCase, type Verdict } from './case.js';
import { matrix } from './cases/index.js';
import { isUnsafe } from './judge.js';
import { type Played, runCase, type Setting } from './run-case.js';
import { type Survey, survey, type Wishes } from './survey.js';

/** One line of the table. */
export interface Row {
  readonly id: string;
  readonly group: Group;
  readonly input: string;
  readonly reference: string;
  /** First lines of what the server said, as it said it: not fit for a terminal. */
  readonly answer: string;
  readonly verdict: Verdict;
  readonly why: string;
  readonly isUnsafe: boolean;
}

export interface ProbeReport {
  readonly banner: string;
  readonly rows: readonly Row[];
  readonly seconds: number;
}

/** Servers limit connections of one client; this stays below every such limit. */
const AT_ONCE = 4;
const RUN_MS = 55_000;
const LEAST_QUIET_MS = 250;
const MOST_QUIET_MS = 2000;

/** Runs all cases, or those of some groups. Rejects only when the first look fails (NoDialogue, NotServed). */
export async function probe(wishes: Wishes, groups?: readonly Group[]): Promise<ProbeReport> {
  const began = performance.now();
  const signal = AbortSignal.timeout(RUN_MS);
  const look = await survey(wishes, signal);
  const chosen = matrix.filter(({ group }) => groups === undefined || groups.includes(group));
  const setting: Setting = {
    target: wishes.target,
    subject: look.subject,
    tlsOnly: wishes.tlsOnly,
    quietMs: Math.min(MOST_QUIET_MS, Math.max(LEAST_QUIET_MS, 4 * look.slowestMs)),
    signal,
  };
  const rows = new Map<string, Row>();
  const waiting = [...chosen];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const found = findObstacle(next, look, wishes) ?? (await runCase(next, setting));
      rows.set(next.id, makeRow(next, signal.aborted && found.verdict === 'unclear' ? noTime : found));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return {
    banner: look.subject.banner,
    rows: chosen.flatMap(({ id }) => rows.get(id) ?? []),
    seconds: (performance.now() - began) / 1000,
  };
}

const noTime: Played = { verdict: 'unclear', why: 'the time of the run was over', answer: '' };

/** What makes a case needless or impossible with this server. */
export function findObstacle(
  probe: ProbeCase,
  { subject, mailTrouble }: Pick<Survey, 'subject' | 'mailTrouble'>,
  { tlsOnly }: Pick<Wishes, 'tlsOnly'>,
): Played | undefined {
  const { needs } = probe;
  if (needs !== undefined && !subject.keywords.has(needs) && !(needs === 'STARTTLS' && tlsOnly))
    return { verdict: 'safe', why: `${needs} is not offered`, answer: '' };
  return needsRecipient(probe) && mailTrouble !== '' ? { verdict: 'unclear', why: mailTrouble, answer: '' } : undefined;
}

function makeRow(probe: ProbeCase, found: Finding & { readonly answer: string }): Row {
  const { id, group, input, reference } = probe;
  return { id, group, input, reference, answer: found.answer, verdict: found.verdict, why: found.why, isUnsafe: isUnsafe(probe, found) };
}
