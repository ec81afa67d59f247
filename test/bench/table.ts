/** Medians, ratios and the table of a benchmark. Pure. */
import type { Measure, Scenario } from './measure.js';

/** All measurements of one scenario, pair by pair. */
export interface Row {
  readonly scenario: Scenario;
  readonly postfix: readonly Measure[];
  readonly celeris: readonly Measure[];
}

/** What Celeris has to reach at 20 sessions and 4 KiB. */
export const BAR = { kept: { rate: 6, cpu: 6 }, new: { rate: 4, cpu: 4 } } as const;
export const GOAL = { kept: { rate: 10, cpu: 10 }, new: { rate: 5, cpu: 6 } } as const;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** Ratios pair by pair: how many times Postfix's rate, and how many times less CPU a message. */
export function ratiosOf({ postfix, celeris }: Row): { readonly rate: readonly number[]; readonly cpu: readonly number[] } {
  const pairs = celeris.flatMap((ours, n) => {
    const theirs = postfix[n];
    return theirs ? [{ rate: ours.rate / theirs.rate, cpu: theirs.cpuMicros / ours.cpuMicros }] : [];
  });
  return { rate: pairs.map(({ rate }) => rate), cpu: pairs.map(({ cpu }) => cpu) };
}

/** `20 sessions, 4 KiB, kept`. */
export const nameOf = ({ sessions, bytes, kept }: Scenario): string =>
  `${sessions} session${sessions === 1 ? '' : 's'}, ${Math.round(bytes / 1024)} KiB, ${kept ? 'kept' : 'new'}`;

/** The table in Markdown. Columns of a daemon that was not measured stay empty. */
export function printTable(rows: readonly Row[]): string {
  const head = [
    '',
    'Postfix msg/s',
    'Celeris msg/s',
    'times',
    'Postfix µs CPU',
    'Celeris µs CPU',
    'times less',
    'Postfix MB (processes)',
    'Celeris MB (processes)',
  ];
  const body = rows.map((row) => {
    const { rate, cpu } = ratiosOf(row);
    return [
      nameOf(row.scenario),
      whole(row.postfix.map((one) => one.rate)),
      whole(row.celeris.map((one) => one.rate)),
      spread(rate),
      whole(row.postfix.map((one) => one.cpuMicros)),
      whole(row.celeris.map((one) => one.cpuMicros)),
      spread(cpu),
      memory(row.postfix),
      memory(row.celeris),
    ];
  });
  return [head, head.map((_, n) => (n === 0 ? '---' : '--:')), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** One line each for kept and new at 20 sessions and 4 KiB: the bar, the goal and what was reached. */
export function judge(rows: readonly Row[]): string[] {
  return rows
    .filter(
      ({ scenario: { sessions, bytes }, postfix, celeris }) =>
        sessions === 20 && bytes === 4096 && postfix.length > 0 && celeris.length > 0,
    )
    .map((row) => {
      const way = row.scenario.kept ? 'kept' : 'new';
      const { rate, cpu } = ratiosOf(row);
      const reached = { rate: median(rate), cpu: median(cpu) };
      const word = (what: 'rate' | 'cpu'): string =>
        reached[what] >= GOAL[way][what] ? 'goal reached' : reached[what] >= BAR[way][what] ? 'bar reached' : 'BELOW THE BAR';
      return (
        `${way}: ${reached.rate.toFixed(1)} × Postfix's rate (bar ${BAR[way].rate}, goal ${GOAL[way].rate}): ${word('rate')}; ` +
        `1/${reached.cpu.toFixed(1)} of its CPU (bar 1/${BAR[way].cpu}, goal 1/${GOAL[way].cpu}): ${word('cpu')}`
      );
    });
}

const whole = (values: readonly number[]): string => (values.length === 0 ? '' : Math.round(median(values)).toLocaleString('en-GB'));

function spread(values: readonly number[]): string {
  if (values.length === 0) return '';
  const middle = `**${median(values).toFixed(1)}**`;
  return values.length === 1 ? middle : `${middle} (${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)})`;
}

function memory(measures: readonly Measure[]): string {
  if (measures.length === 0) return '';
  const pss = Math.max(...measures.map((one) => one.memory.pssMb));
  const processes = Math.max(...measures.map((one) => one.processes));
  return `${Math.round(pss)} (${processes})`;
}
