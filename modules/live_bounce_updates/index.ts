/** live_bounce_updates: keeps the bounce rules up to date from a signed bundle in a folder or behind a URL. */
import path from 'node:path';
import { Bounces, defineModule, type Objection, opt } from '#module';
import { BundleError, readPublicKey } from './bundle.js';
import { openSource } from './source.js';
import { Store } from './store.js';
import { Updates } from './updates.js';

/** Workers that did not pull look for what another one stored this often. */
const FOLLOW_SECONDS = 2;

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export default defineModule({
  name: 'live_bounce_updates',
  summary: 'Keep the bounce rules up to date.',
  options: {
    url: opt.string({ doc: 'Folder of the bundle, https:// or file://; unset pulls nothing.' }),
    public_key: opt.string({ doc: 'File with the Ed25519 public key bundles are signed with, PEM or base64 of its DER form.' }),
    updatesdir: opt.string({ doc: 'Folder where bundles and the override files in them are kept.', default: '/var/lib/celeris/updates' }),
    interval: opt.seconds({ doc: 'Time between two looks at the source.', default: 21_600, min: 1 }),
    keep: opt.int({ doc: 'Versions that are kept behind the one in force.', default: 3, min: 0, max: 100 }),
  },
  check(own) {
    const wrong: Objection[] = [];
    if (own.url !== undefined && !openSource(own.url)) wrong.push({ option: 'url', say: 'an https:// or file:// URL is wanted' });
    if (own.url !== undefined && own.public_key === undefined)
      wrong.push({ option: 'public_key', say: 'without a public key no bundle is used' });
    if (!path.isAbsolute(own.updatesdir)) wrong.push({ option: 'updatesdir', say: 'a whole path is wanted' });
    return wrong;
  },

  async register(ctx) {
    const { options } = ctx;
    const source = options.url === undefined ? undefined : openSource(options.url);
    if (!source || options.public_key === undefined) return undefined;
    const bounces = ctx.use(Bounces);
    const keyText = await ctx.readFile(options.public_key).then(
      (bytes) => bytes.toString('utf8'),
      () => undefined,
    );
    if (keyText === undefined) return { option: 'public_key', say: `${options.public_key} cannot be read` };
    const updates = new Updates({
      source,
      store: new Store(options.updatesdir),
      key: readPublicKey(keyText),
      keep: options.keep,
      adopt: (pack) => bounces.adopt(pack),
    });
    ctx.signal.addEventListener('abort', () => updates.stop());
    for (const wrong of await updates.resume()) ctx.log('error', `a stored bundle is not used: ${wrong}`);

    let lastPull = 0;
    let lastResult = 'none yet';
    let busy = false;
    let following: Promise<unknown> = Promise.resolve();
    const alone = async <T>(task: () => Promise<T>): Promise<T> => {
      if (busy) throw new BundleError('a pull is under way');
      busy = true;
      try {
        await following;
        return await task();
      } finally {
        busy = false;
      }
    };
    const pull = async (signal: AbortSignal): Promise<string> => {
      try {
        const bundle = await updates.fetch(signal);
        if (bundle) await updates.install(bundle);
        lastResult = bundle ? `version ${bundle.manifest.version} installed` : `version ${updates.version} is the newest`;
        if (bundle) ctx.log('notice', lastResult);
        return lastResult;
      } catch (error) {
        lastResult = `failed: ${wordsOf(error)}`;
        throw error;
      } finally {
        lastPull = ctx.now();
      }
    };
    ctx.every(
      () => options.interval,
      async (signal) => {
        await alone(() => pull(signal)).catch((error: unknown) =>
          ctx.log('warning', `the bounce rules stay as they are: ${wordsOf(error)}`),
        );
      },
      'once',
    );
    ctx.every(
      () => FOLLOW_SECONDS,
      async () => {
        if (busy) return;
        const before = updates.version;
        const looked = updates.follow();
        following = looked.catch(() => undefined);
        const wrong = await looked;
        for (const each of wrong ?? []) ctx.log('error', `a stored bundle is not used: ${each}`);
        if (updates.version === before) return;
        lastResult = `version ${updates.version} taken over from another worker`;
        ctx.log('notice', lastResult);
      },
    );

    ctx.command('status', {
      doc: 'Version in force, number of rules, and how the last pull went; a row for each worker.',
      run: () => [
        {
          version: updates.version,
          pack: bounces.pack().version,
          rules: bounces.pack().rules,
          last_pull: lastPull === 0 ? null : new Date(lastPull).toISOString(),
          result: lastResult,
          source: options.url ?? '',
        },
      ],
    });
    ctx.command('pull', {
      doc: 'Look at the source now.',
      writes: true,
      merge: 'one',
      run: async (_args, signal) => {
        try {
          return await alone(() => pull(signal));
        } catch (error) {
          return `The bounce rules stay as they are: ${wordsOf(error)}`;
        }
      },
    });
    ctx.command('rollback', {
      doc: 'Go back to the version before.',
      writes: true,
      merge: 'one',
      run: async () => {
        try {
          return `Version ${await alone(() => updates.rollBack())} is in force; the next pull may bring the newer one again.`;
        } catch (error) {
          return `Nothing changed: ${wordsOf(error)}`;
        }
      },
    });
    ctx.command('pack diff', {
      doc: 'What the bundle of the source would change: replies no rule knew here and the examples of both packs, with their classes.',
      merge: 'one',
      run: async (_args, signal) => {
        try {
          const bundle = await updates.fetch(signal);
          if (!bundle) return `Version ${updates.version} is the newest.`;
          if (bundle.pack === undefined) return `Version ${bundle.manifest.version} has no rule pack.`;
          const changes = bounces.compare(
            bundle.pack,
            bounces.unknown().map(({ last }) => last),
          );
          if (changes.length === 0) return `Version ${bundle.manifest.version} changes no class.`;
          return changes.map(({ reply, before, after }) => ({ before, after, reply }));
        } catch (error) {
          return `The bundle cannot be used: ${wordsOf(error)}`;
        }
      },
    });
    return undefined;
  },
});
