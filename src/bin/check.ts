/** celeris check: every problem of a configuration at once. */
import { renderJson, renderProblems } from '../config/render.js';
import { loadConfiguration } from '../server/configuration.js';
import { EXIT } from './exit.js';

export async function check(file: string, json: boolean): Promise<number> {
  const configured = await loadConfiguration(file);
  const { problems } = configured;
  if (json) process.stdout.write(`${renderJson(problems)}\n`);
  else if (problems.length > 0) process.stderr.write(`${renderProblems(problems)}\n`);
  if (configured.ok && !json) process.stdout.write('Configuration valid\n');
  return configured.ok ? EXIT.ok : EXIT.config;
}
