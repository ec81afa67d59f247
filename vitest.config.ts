/** How the tests run: sources directly (condition "source"), real daemons in their own processes, never from dist. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    exclude: ['dist/**', 'node_modules/**', 'var/**'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // One more than the two cores of the smallest machine: much of the time a test waits for a daemon.
    maxWorkers: 3,
    pool: 'forks',
    globalSetup: ['test/setup.ts'],
    projects: [
      { extends: true, test: { name: 'all', include: ['src/**/*.test.ts', 'modules/**/*.test.ts', 'test/**/*.test.ts'] } },
      // Every scenario once more, with two workers behind one supervisor.
      { extends: true, test: { name: 'two workers', include: ['test/scenario/**/*.test.ts'], env: { CELERIS_WORKERS: '2' } } },
    ],
  },
});
