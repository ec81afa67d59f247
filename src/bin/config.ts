/** celeris config: questions to a configuration that does not run. */
import { renderProblems } from '../config/render.js';
import type { Snapshot } from '../config/snapshot.js';
import { type Answer, configEval, configGet, configLocate, configShow, configShowRecurse } from '../config/verbs.js';
import { loadConfiguration } from '../server/configuration.js';
import { EXIT } from './exit.js';

const VERBS: ReadonlyMap<string, (snapshot: Snapshot, words: readonly string[]) => Answer> = new Map([
  ['get', configGet],
  ['eval', configEval],
  ['show', configShow],
  ['showrecurse', configShowRecurse],
  ['locate', configLocate],
]);

export async function inspect(file: string, verb: string, words: readonly string[], json: boolean): Promise<number> {
  const ask = VERBS.get(verb);
  if (!ask) {
    process.stderr.write(`celeris: "${verb}" is none of ${[...VERBS.keys()].join(', ')}\n`);
    return EXIT.usage;
  }
  const configured = await loadConfiguration(file);
  if (!configured.ok) {
    process.stderr.write(`${renderProblems(configured.problems)}\n`);
    return EXIT.config;
  }
  const answer = ask(configured.snapshot, words);
  process.stdout.write(`${json ? JSON.stringify(answer, undefined, 2) : answer.text}\n`);
  return answer.ok ? EXIT.ok : EXIT.failed;
}
