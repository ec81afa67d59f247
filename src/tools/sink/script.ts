/** Reads a sink's script: a YAML list of rules, each mistake named with its line. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { isPhase, PHASES, parseReply, type Rule } from './rule.js';

const KEYS = ['phase', 'match', 'reply', 'times', 'delay', 'end'];
const ENDS = ['close', 'drop', 'hang'] as const;
const LONGEST_DELAY_SECONDS = 86_400;

/**
 * Reads rules such as `- { phase: rcpt, match: '@bad\.example$', reply: '550 5.1.1 nobody', times: 2, delay: 0.5, end: close }`.
 * Throws one Error with every mistake, a line each.
 */
export function parseScript(text: string, name = 'script'): Rule[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const mistakes = document.errors.map((error) => `${name}:${error.linePos?.[0]?.line ?? 1}: ${error.message.split('\n')[0] ?? ''}`);
  const rules: Rule[] = [];
  if (mistakes.length === 0) {
    if (!isSeq(document.contents)) mistakes.push(`${name}:1: a list of rules was expected`);
    else {
      for (const item of document.contents.items) {
        const offset = isMap(item) || isScalar(item) || isSeq(item) ? (item.range?.[0] ?? 0) : 0;
        try {
          if (!isMap(item)) throw new Error(`a rule with the keys ${KEYS.join(', ')} was expected`);
          rules.push(readRule(item));
        } catch (error) {
          mistakes.push(`${name}:${lines.linePos(offset).line}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
  }
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return rules;
}

function readRule(item: YAMLMap): Rule {
  const values = new Map<string, unknown>(item.items.map(({ key, value }) => [String(key), isScalar(value) ? value.value : value]));
  for (const key of values.keys())
    if (!KEYS.includes(key)) throw new Error(`"${key}" is no key of a rule: ${KEYS.join(', ')} were expected`);
  const phase = values.get('phase') ?? 'data';
  if (!isPhase(phase)) throw new Error(`"${String(phase)}" is no phase: ${PHASES.join(', ')} were expected`);
  const reply = values.get('reply');
  const match = values.get('match');
  const times = readNumber(values, 'times', 1, 1e9);
  if (times !== undefined && !Number.isInteger(times)) throw new Error('"times" is a whole number');
  const delaySeconds = readNumber(values, 'delay', 0, LONGEST_DELAY_SECONDS);
  const end = ENDS.find((one) => one === values.get('end'));
  if (values.has('end') && end === undefined) throw new Error(`"end" is one of ${ENDS.join(', ')}`);
  if (reply === undefined && end === undefined && delaySeconds === undefined)
    throw new Error('a rule without reply, delay or end does nothing');
  return {
    phase,
    ...(match !== undefined && { match: new RegExp(String(match), 'i') }),
    ...(reply !== undefined && { reply: parseReply(String(reply)) }),
    ...(times !== undefined && { times }),
    ...(delaySeconds !== undefined && { delaySeconds }),
    ...(end !== undefined && { end }),
  };
}

function readNumber(values: ReadonlyMap<string, unknown>, key: string, least: number, most: number): number | undefined {
  const value = values.get(key);
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= least && value <= most)) throw new Error(`"${key}" is a number from ${least} to ${most}`);
  return value;
}
