import { describe, expect, it } from 'vitest';
import { planOf, rehearse } from './fixture.js';
import { tell } from './hook.js';
import type { Context, Manifest } from './manifest.js';
import { orderPlans } from './plan.js';
import { reject } from './verdict.js';

type Register = Manifest['register'];
const module = (name: string, register: Register = () => {}, more: Partial<Manifest> = {}) => planOf({ name, register, ...more });

describe('orderPlans', () => {
  const names = (plans: readonly ReturnType<typeof planOf>[]) => orderPlans(plans).map(({ manifest }) => manifest.name);

  it('puts needs first and keeps the file order otherwise', () => {
    expect(
      names([module('a'), module('b', undefined, { needs: ['d'] }), module('c'), module('d', undefined, { needs: ['e'] }), module('e')]),
    ).toEqual(['a', 'e', 'd', 'b', 'c']);
  });

  it('puts every instance of a needed module first', () => {
    expect(names([module('a', undefined, { needs: ['b'] }), module('b'), module('b')])).toEqual(['b', 'b', 'a']);
  });

  it('ends on a circle, with every plan once', () => {
    expect(
      names([module('a', undefined, { needs: ['b'] }), module('b', undefined, { needs: ['a'] }), module('c', undefined, { needs: ['c'] })]),
    ).toEqual(['b', 'a', 'c']);
  });
});

describe('preparing', () => {
  it('starts in order of need and answers in order of the file', async () => {
    const { registry } = rehearse();
    const began: string[] = [];
    const note: Register = (ctx) => void began.push(ctx.name);
    const next = await registry.prepare([module('user', note, { needs: ['base'] }), module('base', note)]);
    expect(began).toEqual(['base', 'user']);
    expect(next.instances.map(({ title }) => title)).toEqual(['user', 'base']);
  });

  it('names the module that is missing, before anything starts', async () => {
    const { registry } = rehearse();
    let began = 0;
    await expect(
      registry.prepare([module('base', () => void began++), module('user', () => void began++, { needs: ['base', 'gone'] })]),
    ).rejects.toMatchObject({
      code: 'MODULE_NEEDS',
      message: 'module user needs module gone, which is not in the configuration',
    });
    expect(began).toBe(0);
  });

  it('leaves two stanzas of a singleton to the configuration', async () => {
    const { registry } = rehearse();
    const next = await registry.prepare([module('one', undefined, { singleton: true }), module('one', undefined, { singleton: true })]);
    expect(next.instances.map(({ title }) => title)).toEqual(['one', 'one']);
  });

  it('changes nothing before the commit', async () => {
    const { registry } = rehearse();
    registry.commit(await registry.prepare([module('old', (ctx) => ctx.on('data', () => reject('old')))]));
    const before = registry.current;
    const next = await registry.prepare([module('new', (ctx) => ctx.on('data', () => reject('new')))]);
    expect(registry.current).toBe(before);
    registry.commit(next);
    expect(registry.current).toBe(next);
    expect(registry.current.hooks.chains.data.run({} as never, {} as never)).toMatchObject({ by: 'new' });
  });

  it('makes hooks, commands and offers of all instances', async () => {
    const offered: string[] = [];
    const { registry } = rehearse({ offered: (kind, name) => void offered.push(`${kind} ${name}`) });
    const codec = { id: 7, encode: async (b: Uint8Array) => b, decode: async (b: Uint8Array) => b };
    const lists: Register = (ctx) => {
      ctx.command('list', { doc: 'd', run: () => `from ${ctx.name}` });
      if (ctx.name === 'x') ctx.offer('codec', 'rot', codec);
    };
    const offers = { codec: ['rot'] };
    const next = await registry.prepare([
      planOf({ name: 'm', register: lists, offers }, { instance: 'x' }),
      planOf({ name: 'm', register: lists, offers }, { instance: 'y' }),
      planOf({ name: 's', register: lists, singleton: true }, { instance: 'z' }),
    ]);
    expect(offered).toEqual([]);
    registry.commit(next);
    expect([...registry.current.commands.keys()]).toEqual(['m:x list', 'm:y list', 's list']);
    expect(await registry.current.commands.get('m:y list')?.command.run([], new AbortController().signal)).toBe('from y');
    expect(registry.current.offer('codec', 'rot')).toBe(codec);
    expect(registry.current.offer('io', 'rot')).toBeUndefined();
    expect(offered).toEqual(['codec rot']);
  });

  it('keeps the hooks of a passive instance silent; its commands and services work', async () => {
    const { registry } = rehearse();
    const register: Register = (ctx) => {
      ctx.on('data', () => reject('awake'));
      ctx.command('ping', { doc: 'd', run: () => 'pong' });
    };
    registry.commit(await registry.prepare([planOf({ name: 'm', register }, { passive: true })]));
    expect(registry.current.hooks.chains.data.empty).toBe(true);
    expect(registry.current.commands.has('m ping')).toBe(true);
  });
});

describe('a refusal', () => {
  const objects: Register = (ctx) => {
    ctx.on('data', () => reject('no'));
    ctx.command('x', { doc: 'd', run: () => 'x' });
    ctx.cache('names', 10, { hit: 1, miss: 1 });
    return { option: 'selector', say: 'there is no key' };
  };

  it('is told with its words, and what ran before runs on', async () => {
    const { registry } = rehearse();
    let old = 0;
    registry.commit(await registry.prepare([module('m', (ctx) => void ctx.cache('names', 10, { hit: 60, miss: 1 }))]));
    const before = registry.current;
    const closed: string[] = [];
    const holding: Register = (ctx) => {
      ctx.hold(
        'file',
        () => 'f',
        () => void closed.push('f'),
      );
      ctx.signal.addEventListener('abort', () => void old++);
    };
    await expect(registry.prepare([module('holder', holding), module('m', objects)])).rejects.toMatchObject({
      code: 'MODULE_REFUSED',
      message: 'module m does not start: there is no key',
    });
    expect(closed).toEqual(['f']);
    expect(old).toBe(1);
    expect(registry.current).toBe(before);
    expect(registry.caches.names()).toEqual(['m/names']);
  });

  it('of the level warning lets the module run and is logged', async () => {
    const { registry, said } = rehearse();
    const next = await registry.prepare([planOf({ name: 'm', register: () => ({ say: 'weak key', level: 'warning' as const }) })]);
    expect(next.instances).toHaveLength(1);
    expect(said).toMatchObject([{ level: 'warning', module: 'm', text: 'weak key' }]);
  });

  it.each([
    [
      'throws',
      () => {
        throw Object.assign(new Error('boom'), { kind: 'of its own' });
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
    [
      'throws no error at all',
      () => {
        throw 'boom';
      },
    ],
  ])('is a failure when register %s, with the cause apart', async (_how, register) => {
    const { registry } = rehearse();
    const failed = registry.prepare([module('m', register)]);
    await expect(failed).rejects.toMatchObject({ code: 'MODULE_FAILED', message: 'module m failed while starting' });
    await expect(failed).rejects.toHaveProperty('cause');
  });

  it('comes after 30 s from a module that does not finish', async () => {
    const { registry, clock } = rehearse();
    let aborted = false;
    const never: Register = (ctx) => {
      ctx.signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise<void>(() => {});
    };
    const failed = registry.prepare([planOf({ name: 'm', register: never }, { instance: 'slow' })]);
    const expectation = expect(failed).rejects.toMatchObject({ code: 'MODULE_LATE', message: 'module m:slow did not start within 30 s' });
    await clock.advance(29_000);
    expect(aborted).toBe(false);
    await clock.advance(2000);
    await expectation;
    expect(aborted).toBe(true);
  });

  it('does not come late from a module that was in time', async () => {
    const { registry, clock } = rehearse();
    const pending = registry.prepare([module('m', (ctx) => ctx.sleep(20_000, ctx.signal))]);
    await clock.advance(20_000);
    registry.commit(await pending);
    await clock.advance(60_000);
    expect(registry.current.instances).toHaveLength(1);
  });

  it('meets a listener that is async', async () => {
    const { registry } = rehearse();
    const register = (ctx: Context) => ctx.on('received', async () => {});
    await expect(registry.prepare([module('m', register)])).rejects.toMatchObject({
      code: 'MODULE_ASYNC_TELL',
      message: 'module m registers an async handler for the hook received, which only listens',
    });
  });

  it('meets an offer that the manifest does not declare', async () => {
    const { registry } = rehearse();
    const agent = { deliver: async () => {} };
    const register = (ctx: Context) => ctx.offer('agent', 'pigeon', agent);
    await expect(registry.prepare([module('m', register, { offers: { agent: ['crow'], io: ['pigeon'] } })])).rejects.toMatchObject({
      code: 'MODULE_OFFER_UNDECLARED',
      message: 'module m offers agent "pigeon" without declaring it',
    });
    await expect(registry.prepare([module('m', register)])).rejects.toMatchObject({ code: 'MODULE_OFFER_UNDECLARED' });
  });

  it('meets a service that nobody provides', async () => {
    const { registry } = rehearse();
    const register = (ctx: Context) => void ctx.use({ name: 'oracle', module: 'delphi' });
    await expect(registry.prepare([module('m', register)])).rejects.toMatchObject({
      code: 'MODULE_NO_SERVICE',
      message: 'module m needs the service oracle of delphi, which does not run',
    });
  });
});

describe('what instances hold', () => {
  const holder =
    (log: string[], key: string): Register =>
    (ctx) => {
      const held = ctx.hold(
        key,
        () => {
          log.push(`open ${key}`);
          return { key };
        },
        () => void log.push(`close ${key}`),
      );
      expect(held).toEqual({ key });
    };

  it('stays open over a reload and closes with the last who wants it', async () => {
    const log: string[] = [];
    const { registry } = rehearse();
    registry.commit(await registry.prepare([module('m', holder(log, 'a'))]));
    registry.commit(await registry.prepare([module('m', holder(log, 'a'))]));
    expect(log).toEqual(['open a']);
    registry.commit(await registry.prepare([module('m', holder(log, 'b'))]));
    expect(log).toEqual(['open a', 'open b', 'close a']);
    registry.discard(await registry.prepare([module('m', holder(log, 'c'))]));
    expect(log.slice(3)).toEqual(['open c', 'close c']);
    expect(registry.stop()).toEqual([]);
    expect(log.slice(5)).toEqual(['close b']);
  });

  it('belongs to one instance: two with the same key have two things', async () => {
    const log: string[] = [];
    const { registry } = rehearse();
    const register = holder(log, 'k');
    await registry.prepare([planOf({ name: 'm', register }, { instance: 'x' }), planOf({ name: 'm', register }, { instance: 'y' })]);
    expect(log).toEqual(['open k', 'open k']);
  });

  it('closes all the same when one close fails, and the errors come back', async () => {
    const { registry } = rehearse();
    const log: string[] = [];
    const breaks: Register = (ctx) => {
      ctx.hold(
        'bad',
        () => 1,
        () => {
          throw new Error('will not close');
        },
      );
      ctx.hold(
        'good',
        () => 2,
        () => void log.push('good'),
      );
    };
    registry.commit(await registry.prepare([module('m', breaks)]));
    expect(registry.commit(await registry.prepare([])).map(String)).toEqual(['Error: will not close']);
    expect(log).toEqual(['good']);
  });

  it('ends in reverse order of need', async () => {
    const { registry } = rehearse();
    const log: string[] = [];
    const note: Register = (ctx) => ctx.signal.addEventListener('abort', () => void log.push(ctx.name));
    registry.commit(await registry.prepare([module('user', note, { needs: ['base'] }), module('base', note), module('other', note)]));
    registry.stop();
    expect(log).toEqual(['other', 'user', 'base']);
  });

  it('ends in reverse order of need at a reload too', async () => {
    const { registry } = rehearse();
    const log: string[] = [];
    const note: Register = (ctx) => ctx.signal.addEventListener('abort', () => void log.push(ctx.name));
    registry.commit(await registry.prepare([module('user', note, { needs: ['base'] }), module('base', note)]));
    registry.commit(await registry.prepare([]));
    expect(log).toEqual(['user', 'base']);
  });
});

describe('hooks of modules', () => {
  it('tell the instances of the generation in force', async () => {
    const { registry } = rehearse();
    const heard: string[] = [];
    const own = tell<[word: string]>('own_news', 1, { doc: 'd' });
    let say = (_: string): void => {};
    const speaker: Register = (ctx) => {
      say = (word) => ctx.tell(own, word);
    };
    const listener = (name: string) => module(name, (ctx) => ctx.on(own, (word) => void heard.push(`${name} ${word}`)));
    registry.commit(await registry.prepare([module('speaker', speaker), listener('one')]));
    say('a');
    registry.commit(await registry.prepare([module('speaker', speaker), listener('two')]));
    say('b');
    expect(heard).toEqual(['one a', 'two b']);
  });
});
