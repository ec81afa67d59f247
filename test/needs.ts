/** Suites that need programs of Debian: they run where these are, fail where CI ought to have installed them, else are skipped and named. */
import fs from 'node:fs';
import { describe, it } from 'vitest';
import { isInstalled, LACK_FILE } from './programs.js';

/** `needs('postfix', 'swaks')('title', () => { … })`: a describe for suites that need these packages (known to test/programs.ts). */
export function needs(...packages: readonly string[]): (title: string, suite: () => void) => void {
  const lacking = packages.filter((name) => !isInstalled(name));
  if (lacking.length === 0) return (title, suite) => void describe(title, suite);
  if (process.env.CI === 'true') {
    return (title) =>
      void describe(title, () => {
        it(`finds ${lacking.join(', ')}`, () => {
          throw new Error(
            `not installed: ${lacking.join(', ')}; with CI=true a missing program is a failure (npm run test:setup installs it)`,
          );
        });
      });
  }
  const file = process.env[LACK_FILE];
  if (file !== undefined) fs.appendFileSync(file, lacking.map((name) => `${name}\n`).join(''));
  return (title, suite) => void describe.skip(`${title} (needs ${lacking.join(', ')})`, suite);
}
