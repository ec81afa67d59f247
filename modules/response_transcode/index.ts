/** response_transcode: replaces replies of servers that say one thing and mean another. */
import { defineModule, OptionError, opt } from '#module';
import { mayStand, type Rule, rewrite } from './rewrite.js';

const SCOPES = ['global', 'binding_group', 'binding', 'domain'] as const;

/** A faulty rule is told once in this time. */
const QUIET_MS = 60_000;
const NONE: readonly Rule[] = [];

const compile = (text: string): RegExp => opt.regex({ doc: 'A pattern.', required: true }).parse(text);

/** Rules of the dictionary, in its order. Throws OptionError where a pattern does not compile. */
const rulesOf = (pairs: Readonly<Record<string, string>>): readonly Rule[] =>
  Object.entries(pairs).map(([pattern, replace]) => ({ pattern: compile(pattern), replace }));

function findFault(pairs: Readonly<Record<string, string>>): string | undefined {
  try {
    const wrong = rulesOf(pairs).find(({ replace }) => !mayStand(replace));
    return wrong && sayWrong(wrong.replace);
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
}

const sayWrong = (replace: string): string => `"${replace}" is no failure: what stands in for a reply begins with 4xx, 5xx or $`;

export default defineModule({
  name: 'response_transcode',
  summary: 'Rewrite replies of remote servers.',
  singleton: true,
  autoload: true,
  options: {},
  scoped: {
    response_transcode_pattern: opt.regex({
      doc: 'Answers 4xx and 5xx that match are replaced by response_transcode_replace.',
      scopes: SCOPES,
    }),
    response_transcode_replace: opt.string({
      doc: 'What stands in for them, with $0 for the whole match and $1 to $9; retrying, classifying and logging see only this.',
      check: (text) => (mayStand(text) ? undefined : `${sayWrong(text)}.`),
      scopes: SCOPES,
    }),
    response_transcode_rules: opt.map({
      doc: 'Further pairs of pattern and replacement, tried in order after the first two options.',
      check: (pairs) => {
        const fault = findFault(pairs);
        return fault === undefined ? undefined : `${fault.replace(/\.$/, '')}.`;
      },
      origin: 'ours',
      scopes: SCOPES,
    }),
  },
  checkScope(written) {
    const { response_transcode_pattern: pattern, response_transcode_replace: replace } = written;
    if ((pattern === undefined) === (replace === undefined)) return [];
    const [set, missing] = pattern === undefined ? ['replace', 'pattern'] : ['pattern', 'replace'];
    return [
      {
        option: `response_transcode_${set}`,
        say: `response_transcode_${set} has no effect without response_transcode_${missing}.`,
      },
    ];
  },

  register(ctx) {
    // Values of a place are the same object until the configuration changes, so its rules are made once.
    const known = new WeakMap<object, readonly Rule[]>();
    let quietUntil = 0;

    ctx.on('outcome', (delivery, mail) => {
      if (delivery.outcome === 'delivered') return undefined;
      const values = ctx.at(mail);
      let rules = known.get(values);
      if (!rules) {
        const { response_transcode_pattern: pattern, response_transcode_replace: replace, response_transcode_rules: more } = values;
        const first = pattern && replace !== undefined ? [{ pattern, replace }] : NONE;
        rules = more ? [...first, ...rulesOf(more)] : first;
        known.set(values, rules);
      }
      if (rules.length === 0) return undefined;
      const rewritten = rewrite(delivery, rules);
      if (!rewritten) return undefined;
      if ('delivery' in rewritten) {
        mail.facts.set('response_transcode_original', delivery.reply);
        ctx.count('rewritten');
        return rewritten.delivery;
      }
      ctx.count('faults');
      if (ctx.now() >= quietUntil) {
        quietUntil = ctx.now() + QUIET_MS;
        const { rule, fault, text } = rewritten;
        const why = fault === 'no end' ? 'takes too long to match' : `makes "${text}" of it, which is no failure`;
        ctx.log('error', `the reply "${delivery.reply}" stays: ${rule.pattern} ${why}`);
      }
      return undefined;
    });
  },
});
