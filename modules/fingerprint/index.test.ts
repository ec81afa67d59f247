/** What fingerprint refuses, and what others get from it when there is no p0f. */
import { describe, expect, it } from 'vitest';
import { configureText } from '../../src/config/configure.js';
import { planOf, rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import { type Fingerprint, Fingerprints } from './api.js';
import fingerprint from './index.js';

const configureIt = (options: string) => configureText(`fingerprint { ${options} }`, { manifests: [fingerprint] });

describe('fingerprint', () => {
  it.each([
    ['max_cache_size = 0', 'max_cache_size'],
    ['protocol = 2', 'p0f 2 is not supported'],
    ['timeout = 0', 'timeout'],
  ])('check refuses %s', async (line, words) => {
    const { ok, problems } = await configureIt(line);
    expect(ok).toBe(false);
    expect(JSON.stringify(problems.map(({ say, hint }) => [line, say, hint]))).toContain(words);
  });

  const start = async (options: string) => {
    const configured = await configureIt(options);
    if (!configured.ok) throw new Error('refused');
    const { registry } = rehearse();
    let asked: Promise<Fingerprint> | undefined;
    const user = planOf({ name: 'user', needs: ['fingerprint'], register: (ctx) => void (asked = ctx.use(Fingerprints).lookup('::1')) });
    await registry.prepare([...makePlans(configured.snapshot, [fingerprint]), user]);
    return asked;
  };

  it('does not start on a path that is no socket', async () => {
    await expect(start('socket = "/etc/passwd"')).rejects.toThrow(/no unix socket/);
  });

  it('knows nothing where no p0f is, and says so at once', async () => {
    expect(await start('socket = "/nonexistent/p0f"')).toMatchObject({ genre: '', detail: '', distance: undefined });
  });
});
