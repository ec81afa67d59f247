/** The override files: one rule a line, `domain,code,rule` for replies and `code,rule` for notices. Pure. */
import type { BounceRule } from '#module';

/** A line that is no rule. */
export interface BadLine {
  readonly line: number;
  readonly say: string;
}

export interface Overrides {
  readonly rules: readonly BounceRule[];
  readonly bad: readonly BadLine[];
}

const MOST_RULES = 100_000;
const LONGEST_RULE = 1000;

/** Reads a file. Bad lines are left out and named; blank ones and those that begin with # are passed over. */
export function readOverrides(text: string, kind: 'reply' | 'notice', isClass: (code: number) => boolean): Overrides {
  const rules: BounceRule[] = [];
  const bad: BadLine[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const rule = rules.length >= MOST_RULES ? `more than ${MOST_RULES} rules` : readLine(line, kind, isClass);
    if (typeof rule === 'string') bad.push({ line: i + 1, say: rule });
    else rules.push(rule);
  });
  return { rules, bad };
}

function readLine(line: string, kind: 'reply' | 'notice', isClass: (code: number) => boolean): BounceRule | string {
  const comma = kind === 'reply' ? line.indexOf(',') : -1;
  if (kind === 'reply' && comma < 0) return 'three columns are wanted: domain,code,rule';
  const domain = line.slice(0, Math.max(comma, 0)).trim().toLowerCase();
  const rest = line.slice(comma + 1);
  const next = rest.indexOf(',');
  if (next < 0) return kind === 'reply' ? 'three columns are wanted: domain,code,rule' : 'two columns are wanted: code,rule';
  const written = rest.slice(0, next).trim();
  const code = /^\d{1,3}$/.test(written) ? Number(written) : Number.NaN;
  if (!isClass(code)) return `there is no class "${written}"`;
  const rule = rest.slice(next + 1).trim();
  if (rule.length > LONGEST_RULE) return 'the rule is too long';
  if (!/[^|\s]/.test(rule)) return 'the rule is empty';
  return { class: code, phrases: [rule], ...(domain !== '' && { domain }) };
}

/** What is asked first stands first: rules for one domain before those for all. */
export const sortRules = (rules: readonly BounceRule[]): readonly BounceRule[] => [
  ...rules.filter(({ domain }) => domain !== undefined),
  ...rules.filter(({ domain }) => domain === undefined),
];
