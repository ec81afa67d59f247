/** A problem for the eye (the line with a caret under it) and for programs (JSON). */
import type { ConfigProblem } from './problem.js';

/** Longest piece of a source line that is shown. */
const SHOWN = 160;

const showControls = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (c) =>
    String.fromCodePoint(0x2400 + (c === '\u007f' ? 0x21 : (c.codePointAt(0) ?? 0))),
  );

/**
 * `file:line:column: sentence`, the line, a caret under the place, and the hint:
 * ```
 * mail.conf:3:1: error: There is no option "Idel_Time" here.
 *    3 | Idel_Time = 300
 *      | ^^^^^^^^^
 *      = Did you mean "Idle_Time"?
 * ```
 */
export function renderProblem(problem: ConfigProblem): string {
  const { file, line, column, width, source } = problem;
  const lines = [`${file}:${line}:${column}: ${problem.severity}: ${problem.say}`];
  const margin = String(line).padStart(4);
  const gap = ' '.repeat(margin.length);
  if (source.trim() !== '') {
    const from = column > SHOWN ? column - 40 : 0;
    const shown = showControls(source.slice(from, from + SHOWN));
    const lead = shown.slice(0, Math.max(0, column - 1 - from)).replace(/[^\t]/g, ' ');
    const carets = '^'.repeat(Math.max(1, Math.min(width, shown.length - lead.length)));
    lines.push(`${margin} | ${shown}`, `${gap} | ${lead}${carets}`);
  }
  if (problem.hint !== undefined) lines.push(`${gap} = ${problem.hint}`);
  return lines.join('\n');
}

/** All problems, one after the other, and how many there were. */
export function renderProblems(problems: readonly ConfigProblem[]): string {
  const errors = problems.filter((p) => p.severity === 'error').length;
  const notices = problems.length - errors;
  const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  const sum = [errors > 0 ? count(errors, 'error') : '', notices > 0 ? count(notices, 'notice') : ''].filter(Boolean).join(', ');
  return [...problems.map(renderProblem), sum].filter(Boolean).join('\n');
}

/** The same as JSON: `{"problems":[…]}`, one object a problem with all its fields. */
export function renderJson(problems: readonly ConfigProblem[]): string {
  return JSON.stringify({ problems }, null, 2);
}
