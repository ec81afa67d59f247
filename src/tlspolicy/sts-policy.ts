/** MTA-STS texts: the TXT record that names the policy in force, and the policy itself (RFC 8461 3). Pure. */

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  readonly maxAgeSeconds: number;
  /** Host names and `*.` patterns, lower case; empty only in mode none. */
  readonly mx: readonly string[];
  /** Lines as published, for reports. */
  readonly lines: readonly string[];
}

/** RFC 8461 3.2. */
const LONGEST_AGE_SECONDS = 31_557_600;
/** Patterns and lines of one policy. */
const MOST_PATTERNS = 500;
const MOST_LINES = 2000;
const RECORD = /^v=STSv1[ \t]*;/;
const ID = /^[A-Za-z0-9]{1,32}$/;
const PATTERN = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** Id of the policy by the TXT records of `_mta-sts.`; undefined where there is no record, more than one, or an odd one. */
export function readStsRecord(texts: readonly string[]): string | undefined {
  const records = texts.filter((text) => RECORD.test(text));
  const [record] = records;
  if (record === undefined || records.length > 1) return undefined;
  const ids = record
    .split(';')
    .slice(1)
    .map((pair) => pair.trim())
    .filter((pair) => /^id[ \t]*=/.test(pair))
    .map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
  const [id] = ids;
  return ids.length === 1 && id !== undefined && ID.test(id) ? id : undefined;
}

/** Reads a policy, or says in a few words what is wrong with it. Unknown fields mean nothing; of repeated ones the first counts. */
export function parseStsPolicy(text: string): StsPolicy | string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length > MOST_LINES) return 'too many lines';
  const fields = new Map<string, string>();
  const mx: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return `no field: "${line.slice(0, 40)}"`;
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (name === 'mx') mx.push(value.toLowerCase().replace(/\.$/, ''));
    else if (!fields.has(name)) fields.set(name, value);
  }
  if (fields.get('version') !== 'STSv1') return 'no version STSv1';
  const mode = fields.get('mode');
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return 'no mode enforce, testing or none';
  const age = fields.get('max_age') ?? '';
  if (!/^\d{1,10}$/.test(age)) return 'no max_age';
  const odd = mx.find((pattern) => !PATTERN.test(pattern));
  if (odd !== undefined) return `no mx pattern: "${odd.slice(0, 40)}"`;
  if (mx.length > MOST_PATTERNS) return 'too many mx patterns';
  if (mode !== 'none' && mx.length === 0) return 'no mx';
  return { mode, maxAgeSeconds: Math.min(Number(age), LONGEST_AGE_SECONDS), mx, lines };
}

/** A wildcard stands for exactly one label (RFC 8461 4.1). `host` in lower case without the final dot. */
export function matchesMx(patterns: readonly string[], host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1);
  return patterns.some((pattern) => (pattern.startsWith('*.') ? host.includes('.') && pattern.slice(2) === parent : pattern === host));
}
