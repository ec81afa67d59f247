/** What an introspection answer (RFC 7662 2.2) says of a token and the user who shows it. */

/** What has to be true of a token beside being active. */
export interface Wishes {
  /** Members of the answer one of which has to be the user's name. */
  readonly userClaims: readonly string[];
  readonly scopes: readonly string[];
  /** Empty: any. */
  readonly audience: string;
  readonly issuer: string;
}

/** `error`: it is no such answer. `nowSeconds` is wall time. */
export function judgeAnswer(text: string, user: string, wishes: Wishes, nowSeconds: number): 'ok' | 'no' | 'error' {
  const answer = readObject(text);
  const active = answer?.get('active');
  if (!answer || typeof active !== 'boolean') return 'error';
  if (!active) return 'no';
  const { userClaims, scopes, audience, issuer } = wishes;
  const [expires, notBefore] = [answer.get('exp'), answer.get('nbf')];
  if (expires !== undefined && !(typeof expires === 'number' && expires > nowSeconds)) return 'no';
  if (notBefore !== undefined && !(typeof notBefore === 'number' && notBefore <= nowSeconds)) return 'no';
  if (!userClaims.some((claim) => answer.get(claim) === user)) return 'no';
  const scope = answer.get('scope');
  const granted = new Set(typeof scope === 'string' ? scope.split(' ') : []);
  if (!scopes.every((wanted) => granted.has(wanted))) return 'no';
  const meant = answer.get('aud');
  if (audience !== '' && !(Array.isArray(meant) ? meant : [meant]).includes(audience)) return 'no';
  return issuer === '' || answer.get('iss') === issuer ? 'ok' : 'no';
}

/** A Map, since the names in it are chosen by somebody else. */
function readObject(text: string): ReadonlyMap<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
}
