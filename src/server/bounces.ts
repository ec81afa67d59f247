/** What the daemon has of bounces: the classifier, the service modules reach it by, and the core's own reader of notices. */
import { Classifier } from '../bounce/classifier.js';
import { watchNotices } from '../bounce/out-of-band.js';
import { parsePack } from '../bounce/pack.js';
import { Ruleset } from '../bounce/ruleset.js';
import { loadShippedPack } from '../bounce/shipped.js';
import type { Snapshot } from '../config/snapshot.js';
import { joinLine } from '../mail/reply.js';
import { type Attempt, STAGE } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { Later } from '../module/hook.js';
import type { Chains } from '../module/hook-set.js';
import type { Plan } from '../module/plan.js';
import type { Bounces, Service } from '../module/service.js';
import { innerPlan } from './inner-plan.js';
import { usedNames } from './plans.js';

/** What a service token stands for. */
export type Lent<S> = S extends Service<infer T> ? T : never;

/** The classifier with the rules that came with Celeris. */
export const openClassifier = (): Classifier => new Classifier(loadShippedPack());

/** Class of a reply: the hook's answer, or what the rules say. Synchronous as long as the hook is. */
export function classify(classifier: Classifier, chains: Chains, reply: string, domain: string): Later<number> {
  const asked = chains.classify.empty ? undefined : chains.classify.run(reply, domain);
  if (asked instanceof Promise) return asked.then((found) => found ?? classifier.classify(reply));
  return asked ?? classifier.classify(reply);
}

/** The end of a mail that no server said: expiry, the console, a hook. */
export const attemptBySelf = (mail: Copy, reply: string, bounceClass: number, at: number): Attempt => ({
  outcome: 'failed',
  reply: joinLine(reply),
  mail,
  place: mail.place,
  at,
  connectionId: '',
  stage: STAGE.notConnected,
  bytes: 0,
  hop: undefined,
  bounceClass,
  possibleDuplicate: false,
  tls: undefined,
});

/** The core's reader of notices; none where no bounce_domains are set anywhere. */
export function noticePlans(snapshot: Snapshot, classifier: Classifier, chains: () => Chains): readonly Plan[] {
  const used = usedNames(snapshot.config.root);
  if (!used.has('bounce_domains')) return [];
  const ports = { classifier, ask: (text: string) => chains().classify_notice.run(text), drops: used.has('bounce_behavior') };
  return [innerPlan('notices', 'Reads mail for bounce_domains.', (ctx) => watchNotices(ctx, ports))];
}

/** The service behind the token `Bounces`. */
export function lendBounces(classifier: Classifier): Lent<typeof Bounces> {
  return {
    explain: (text) => classifier.explain(text),
    nameOf: (bounceClass) => classifier.nameOf(bounceClass),
    nameClass: (bounceClass, name) => classifier.nameClass(bounceClass, name),
    compile: (rules) => {
      const compiled = new Ruleset(rules);
      return (text, domain) => {
        const found = compiled.find(text, 0, domain);
        return found && { class: found.rule.class, rule: found.phrase };
      };
    },
    pack: () => ({ version: classifier.pack.version, rules: classifier.pack.rules.length }),
    compare: (text, replies) => {
      const other = new Classifier(parsePack(text));
      const asked = new Set([...replies, ...[...classifier.pack.rules, ...other.pack.rules].map(({ example }) => example)]);
      return [...asked]
        .map((reply) => ({ reply, before: classifier.explain(reply).class, after: other.explain(reply).class }))
        .filter(({ before, after }) => before !== after);
    },
    adopt: (text) => classifier.adopt(parsePack(text)),
    unknown: () => classifier.unknowns.list(),
  };
}
