/** outbound_smtp_auth: says whom we log in as with the next hop, by place and by mail. */
import { defineModule, type Facts, type Login, type NoLogin, opt, type PlaceParts } from '#module';
import { loginOf, MECHANISMS, overrides } from './login.js';

const SCOPES = ['global', 'binding_group', 'binding', 'domain'] as const;

/** Momentum writes `false` for no mechanism. */
const TYPES = [...MECHANISMS, 'none'] as const;

/** Words by which failed log-ins are told from other failures to connect. */
const OURS = /\[internal\] (?:AUTH |peer does not offer AUTH|peer did not prove)/;

export default defineModule({
  name: 'outbound_smtp_auth',
  summary: 'Log in to the next hop.',
  autoload: true,
  options: {},
  scoped: {
    outbound_smtp_auth_type: opt.choice(...TYPES)({
      doc: 'The SASL mechanism to log in to the next hop with; none (or false) does not log in.',
      default: 'none',
      also: { false: 'none' },
      effect: 'restricts',
      scopes: SCOPES,
    }),
    outbound_smtp_auth_user: opt.string({ doc: 'The name to log in with.', effect: 'restricts', scopes: SCOPES }),
    outbound_smtp_auth_pass: opt.secret({
      doc: 'The password; with XOAUTH2 the access token.',
      effect: 'restricts',
      check: (text) => (text === '' ? 'The password is empty.' : undefined),
      scopes: SCOPES,
    }),
    outbound_smtp_auth_key: opt.secret({
      doc: 'Anything that a policy needs to find a password or token; celeris itself does nothing with it.',
      scopes: SCOPES,
    }),
    outbound_smtp_auth_fail: opt.choice(
      'tempfail',
      'permfail',
    )({
      doc: 'What a refusal of our credentials means for the mail: tried again, or failed.',
      default: 'tempfail',
      origin: 'ours',
      scopes: SCOPES,
    }),
    outbound_smtp_auth_require_tls: opt.bool({
      doc: 'PLAIN, LOGIN and XOAUTH2 are said over TLS only; false says them in clear too.',
      default: true,
      origin: 'ours',
      effect: 'restricts',
      scopes: SCOPES,
    }),
  },
  checkScope({ outbound_smtp_auth_type: type, outbound_smtp_auth_user: user, outbound_smtp_auth_pass: pass }) {
    if (user !== undefined && pass === undefined)
      return [{ option: 'outbound_smtp_auth_user', say: 'outbound_smtp_auth_user stands without outbound_smtp_auth_pass.' }];
    if (user !== undefined && type === undefined)
      return [
        {
          option: 'outbound_smtp_auth_user',
          say: 'outbound_smtp_auth_user has no effect without outbound_smtp_auth_type.',
          level: 'warning',
        },
      ];
    return [];
  },

  register(ctx) {
    type Values = ReturnType<typeof ctx.at>;
    // Values of a place are the same object until the configuration changes.
    const known = new WeakMap<Values, Login | NoLogin | null>();

    const settingsOf = (values: Values) => {
      const { outbound_smtp_auth_type: type } = values;
      return { ...values, outbound_smtp_auth_type: type === 'none' ? undefined : type };
    };

    const answerAt = (where: PlaceParts, facts: Facts): Login | NoLogin | undefined => {
      const values = ctx.at(where);
      if (overrides(facts)) return loginOf(settingsOf(values), facts);
      let login = known.get(values);
      if (login === undefined) {
        login = loginOf(settingsOf(values)) ?? null;
        known.set(values, login);
      }
      return login ?? undefined;
    };

    // Last, so that a policy before it may set the variables of the mail.
    ctx.on(
      'outbound_auth',
      ({ place, recipient, facts }) => {
        // Under a gateway the routing domain is the gateway's; a stanza about the recipient's domain goes before one about that.
        const own = place.domain === recipient.domain ? undefined : answerAt({ ...place, domain: recipient.domain }, facts);
        return own ?? answerAt(place, facts);
      },
      { order: 'last' },
    );

    ctx.on('connect_failed', ({ reply }) => {
      if (OURS.test(reply)) ctx.count('failures');
    });
  },
});
