/** From options of a place and the context of a mail to the identity it is sent under. Pure. */
import type { Facts, Login, LoginMechanism, NoLogin } from '#module';

export const MECHANISMS = ['PLAIN', 'LOGIN', 'XOAUTH2', 'CRAM-MD5', 'SCRAM-SHA-256'] as const satisfies readonly LoginMechanism[];

/** The options as they stand at a place. */
export interface Settings {
  readonly outbound_smtp_auth_type: LoginMechanism | undefined;
  readonly outbound_smtp_auth_user: string | undefined;
  readonly outbound_smtp_auth_pass: string | undefined;
  readonly outbound_smtp_auth_fail: 'tempfail' | 'permfail';
  readonly outbound_smtp_auth_require_tls: boolean;
}

/** Context variables that take the place of the options of the same name. */
const VARIABLES = [
  'outbound_smtp_auth_type',
  'outbound_smtp_auth_user',
  'outbound_smtp_auth_pass',
  'outbound_smtp_auth_fail',
  'outbound_smtp_auth_require_tls',
] as const;
type Variable = (typeof VARIABLES)[number];

const NONE = new Set(['', 'false', 'none']);
const YES: Readonly<Record<string, boolean>> = { true: true, '1': true, yes: true, false: false, '0': false, no: false };

const refuse = (why: string): NoLogin => ({ cannot: `454 4.7.0 [internal] outbound_smtp_auth: ${why}` });

/** Whether the mail says something of its own. */
export const overrides = (facts: Pick<Facts, 'has' | 'size'>): boolean => facts.size > 0 && VARIABLES.some((name) => facts.has(name));

/** Nothing where neither a user nor a type is set; what is half set or malformed keeps the mail back. */
export function loginOf(settings: Settings, facts?: Pick<Facts, 'get'>): Login | NoLogin | undefined {
  const read = (name: Variable): string | undefined => facts?.get(name);
  const type = (read('outbound_smtp_auth_type') ?? settings.outbound_smtp_auth_type ?? '').toUpperCase();
  const user = read('outbound_smtp_auth_user') ?? settings.outbound_smtp_auth_user ?? '';
  if (NONE.has(type.toLowerCase()) || NONE.has(user)) return undefined;
  const mechanism = MECHANISMS.find((name) => name === type);
  if (!mechanism) return refuse('the type is none that is known');
  const secret = read('outbound_smtp_auth_pass') ?? settings.outbound_smtp_auth_pass ?? '';
  if (secret === '') return refuse('a user without a password');
  // NUL ends a field of PLAIN, the others separate fields of XOAUTH2.
  if (/[\0\x01]/.test(user) || /[\0\x01]/.test(secret)) return refuse('user or password hold what no mechanism can say');
  const refused = read('outbound_smtp_auth_fail')?.toLowerCase() ?? settings.outbound_smtp_auth_fail;
  if (refused !== 'tempfail' && refused !== 'permfail') return refuse('outbound_smtp_auth_fail is neither tempfail nor permfail');
  const word = read('outbound_smtp_auth_require_tls');
  const needsTls = word === undefined ? settings.outbound_smtp_auth_require_tls : YES[word.toLowerCase()];
  if (needsTls === undefined) return refuse('outbound_smtp_auth_require_tls is neither true nor false');
  return { mechanism, user, secret, refused, inClear: !needsTls };
}
