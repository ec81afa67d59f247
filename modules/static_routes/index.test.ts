/** static_routes from its stanza to the answer of the hook. */
import { describe, expect, it } from 'vitest';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { makePlans } from '../../src/server/plans.js';
import staticRoutes from './index.js';
import { parseTarget } from './target.js';

const places = new PlaceTable();
const configureIt = (text: string) => configureText(text, { manifests: [staticRoutes] });

async function planFor(text: string) {
  const configured = await configureIt(text);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  return makePlans(configured.snapshot, [staticRoutes]);
}

async function start(text: string) {
  const rehearsal = rehearse();
  const { registry } = rehearsal;
  const load = async (config: string): Promise<void> => {
    registry.commit(await registry.prepare(await planFor(config)));
  };
  await load(text);
  return {
    ...rehearsal,
    load,
    ask: (domain: string, binding = 'default') => registry.current.hooks.chains.routes.run(places.of('default', binding, domain)),
  };
}

describe('a target', () => {
  it.each([
    ['192.0.2.1:25', { ip: '192.0.2.1', port: 25 }],
    ['[2001:db8::1]:2525', { ip: '2001:db8::1', port: 2525 }],
    ['127.0.0.1:65535', { ip: '127.0.0.1', port: 65535 }],
    ['[::1]:1', { ip: '::1', port: 1 }],
  ])('may be %s', (text, target) => {
    expect(parseTarget(text)).toEqual(target);
  });

  it.each([
    ['mx.example.com:25', /no host names/],
    ['192.0.2.1:0', /port 0 is not between 1 and 65535/],
    ['192.0.2.1:70000', /port 70000 is not/],
    ['192.0.2.1:123456', /not an address with a port/],
    ['2001:db8::1:25', /not an address with a port/],
    ['[192.0.2.1]:25', /IPv6 address stands in brackets/],
    ['192.0.2.256:25', /not an IP address/],
    ['[2001:db8::g]:25', /not an IP address/],
    ['192.0.2.1', /not an address with a port/],
    ['192.0.2.1:', /not an address with a port/],
    [':25', /not an address with a port/],
    ['192.0.2.1:25 ', /not an address with a port/],
  ])('may not be %j, which check says at the line', async (text, words) => {
    expect(parseTarget(text)).toMatch(words);
    const configured = await configureIt(`static_routes {\n  target = "${text}"\n}`);
    expect(configured.ok).toBe(false);
    expect(configured.problems).toMatchObject([{ code: 'CONFIG_CONFLICT', severity: 'error', line: 2, say: expect.stringMatching(words) }]);
  });
});

describe('static_routes', () => {
  it('answers every domain with the target, under the name of the domain', async () => {
    const { ask } = await start('static_routes {\n  target = "[2001:db8::1]:2525"\n}');
    expect(ask('one.test')).toEqual([{ ip: '2001:db8::1', port: 2525, name: 'one.test', preference: 0, vouched: true }]);
    expect(ask('two.test')).toEqual([{ ip: '2001:db8::1', port: 2525, name: 'two.test', preference: 0, vouched: true }]);
  });

  it('answers at once, without a promise, and keeps nothing for a domain', async () => {
    const { ask, registry } = await start('static_routes {\n  target = "192.0.2.1:25"\n}');
    for (let n = 0; n < 10_000; n++) expect(ask(`d${n}.test`)).toBeInstanceOf(Array);
    expect(registry.caches.names()).toEqual([]);
  });

  it('leaves domains alone that are not mail by SMTP', async () => {
    const { ask } = await start('static_routes {\n  target = "192.0.2.1:25"\n}');
    expect(ask('#smpp#carrier')).toBeUndefined();
  });

  it('has no effect without a target', async () => {
    const { ask, registry } = await start('static_routes { }');
    expect(registry.current.instances).toHaveLength(1);
    expect(ask('one.test')).toBeUndefined();
  });

  it('is silent when it is not enabled', async () => {
    const { ask } = await start('static_routes {\n  target = "192.0.2.1:25"\n  enabled = false\n}');
    expect(ask('one.test')).toBeUndefined();
  });

  it('lets the first stanza in the file win', async () => {
    const { ask } = await start('static_routes "a" {\n  target = "192.0.2.1:25"\n}\nstatic_routes "b" {\n  target = "192.0.2.2:25"\n}');
    expect(ask('one.test')).toMatchObject([{ ip: '192.0.2.1' }]);
  });

  it('lets several targets lead by their weights, and the others stand in', async () => {
    const { ask } = await start('static_routes { targets = [ "192.0.2.1:25" = 2  "192.0.2.2:25" = 1 ] }');
    const turn = async () => ((await ask('one.test')) ?? []).map(({ ip, preference }) => `${ip} ${preference}`);
    const turns = [await turn(), await turn(), await turn()];
    expect(turns.filter((hops) => hops.includes('192.0.2.1 0') && hops.includes('192.0.2.2 1'))).toHaveLength(2);
    expect(turns.filter((hops) => hops.includes('192.0.2.1 1') && hops.includes('192.0.2.2 0'))).toHaveLength(1);
  });

  it('speaks for some domains only', async () => {
    const { ask } = await start('static_routes { target = "192.0.2.1:25" domains = ( One.test *.two.test ) except = ( a.two.test ) }');
    expect(ask('one.test')).toMatchObject([{ ip: '192.0.2.1' }]);
    expect(ask('b.two.test')).toMatchObject([{ ip: '192.0.2.1' }]);
    expect(ask('a.two.test')).toBeUndefined();
    expect(ask('three.test')).toBeUndefined();
  });

  it('gives a binding its own target, and others none where there is no other', async () => {
    const { ask } = await start('static_routes { bindings = [ "one" = "192.0.2.9:26" ] }');
    expect(ask('one.test', 'one')).toEqual([{ ip: '192.0.2.9', port: 26, name: 'one.test', preference: 0, vouched: true }]);
    expect(ask('one.test', 'two')).toBeUndefined();
  });

  it.each([
    ['targets = [ "mx.test:25" = 1 ]', /no host names/],
    ['targets = [ "192.0.2.1:25" = 0 ]', /whole number from 1 to 1000/],
    ['target = "192.0.2.1:25" targets = [ "192.0.2.1:25" = 1 ]', /exclude each other/],
    ['bindings = [ "one" = "192.0.2.1" ]', /not an address with a port/],
  ])('refuses %s', async (options, words) => {
    const configured = await configureIt(`static_routes { ${options} }`);
    expect(configured.problems).toMatchObject([{ code: 'CONFIG_CONFLICT', say: expect.stringMatching(words) }]);
  });

  it('may be written with a dash, as its manual does', async () => {
    const { ask } = await start('static-routes { target = "192.0.2.1:25" }');
    expect(ask('one.test')).toMatchObject([{ ip: '192.0.2.1' }]);
  });

  it('changes with the next generation', async () => {
    const { ask, load } = await start('static_routes {\n  target = "192.0.2.1:25"\n}');
    await load('static_routes {\n  target = "192.0.2.2:26"\n}');
    expect(ask('one.test')).toEqual([{ ip: '192.0.2.2', port: 26, name: 'one.test', preference: 0, vouched: true }]);
    await load('');
    expect(ask('one.test')).toBeUndefined();
  });

  it('refuses a bad target at the start too, and what ran before stays', async () => {
    const { ask, registry } = await start('static_routes {\n  target = "192.0.2.1:25"\n}');
    const [good] = await planFor('static_routes {\n  target = "192.0.2.1:25"\n}');
    if (!good) throw new Error('no plan');
    await expect(registry.prepare([{ ...good, options: { ...good.options, target: 'mx.test:25' } }])).rejects.toMatchObject({
      code: 'MODULE_REFUSED',
      message: expect.stringContaining('no host names'),
    });
    expect(ask('one.test')).toMatchObject([{ ip: '192.0.2.1' }]);
  });
});
