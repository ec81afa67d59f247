/** Takes secrets out of command lines before anybody else sees them. */

const BEGINS_LIKE_AUTH = /^\s*auth/i;
const MECHANISM = /^[A-Za-z0-9_-]{1,20}$/;

/** The line, with `***` in place of whatever an AUTH carries behind the name of its mechanism; other lines as they are. */
export function maskSecret(line: string): string {
  if (!BEGINS_LIKE_AUTH.test(line)) return line;
  const [verb = '', mechanism = '', ...rest] = line.trim().split(/\s+/);
  if (verb.length > 4) return 'AUTH ***';
  if (mechanism === '') return 'AUTH';
  if (!MECHANISM.test(mechanism)) return 'AUTH ***';
  return `AUTH ${mechanism}${rest.length > 0 ? ' ***' : ''}`;
}
