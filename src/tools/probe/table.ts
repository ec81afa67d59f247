/** The report as a table for people; nothing of what the server said reaches the terminal as it was. */
import type { ProbeReport, Row } from './probe.js';

const INPUT_WIDTH = 46;
const ANSWER_WIDTH = 44;

/** Printable ASCII only, cut at a width. */
export function tame(text: string, width: number): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length <= width ? plain : `${plain.slice(0, width - 1)}~`;
}

const VERDICT_WIDTH = 15;

const nameOf = ({ verdict, isUnsafe }: Row): string => (isUnsafe ? `${verdict} UNSAFE` : verdict);

/** Lines without a last line end: cases by group, then the count. */
export function renderTable(report: ProbeReport): string {
  const lines = [`${tame(report.banner, 120)}`, ''];
  let group = '';
  for (const row of report.rows) {
    if (row.group !== group) {
      if (group !== '') lines.push('');
      group = row.group;
      lines.push(group.toUpperCase());
    }
    const cells = [
      tame(row.input, INPUT_WIDTH).padEnd(INPUT_WIDTH),
      tame(row.answer, ANSWER_WIDTH).padEnd(ANSWER_WIDTH),
      nameOf(row).padEnd(VERDICT_WIDTH),
    ];
    lines.push(`  ${cells.join('  ')}  ${row.why}${row.isUnsafe ? ` (${row.reference})` : ''}`);
  }
  lines.push('', summarize(report));
  return lines.join('\n');
}

function summarize({ rows, seconds }: ProbeReport): string {
  const counts = new Map<string, number>();
  for (const { verdict } of rows) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const parts = [...counts].map(([verdict, count]) => `${count} ${verdict}`);
  const unsafe = rows.filter((row) => row.isUnsafe).length;
  return `${rows.length} cases in ${seconds.toFixed(1)} s: ${parts.join(', ')}. ${unsafe === 0 ? 'None is unsafe.' : `${unsafe} unsafe.`}`;
}
