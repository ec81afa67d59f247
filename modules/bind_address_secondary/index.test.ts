/** bind_address_secondary: what it answers for a place, and what it refuses beside bind_address. */
import { describe, expect, it } from 'vitest';
import type { PlaceParts } from '#module';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { makePlans } from '../../src/server/plans.js';
import bindAddressSecondary from './index.js';

const places = new PlaceTable();
const LOADED = 'bind_address_secondary {}\n';
const configureIt = (text: string) => configureText(text, { manifests: [bindAddressSecondary] });

describe('bind_address_secondary', () => {
  it('answers the address of the binding, else nothing', async () => {
    const configured = await configureIt(
      `${LOADED}binding "b" {\n  bind_address = "192.0.2.5"\n  bind_address_secondary = "[2001:db8::5]"\n}\nbinding_group "g" {\n  bind_address_secondary = "2001:db8::6"\n  binding "c" {}\n}`,
    );
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    const { snapshot } = configured;
    const { registry } = rehearse({ scoped: (_module, where) => snapshot.moduleValues(bindAddressSecondary, where as PlaceParts) });
    registry.commit(await registry.prepare(makePlans(snapshot, [bindAddressSecondary])));
    const { sources } = registry.current.hooks.chains;
    expect(sources.run(places.of('default', 'b', 'a.test'))).toEqual(['2001:db8::5']);
    expect(sources.run(places.of('g', 'c', 'a.test'))).toEqual(['2001:db8::6']);
    expect(sources.run(places.of('default', 'default', 'a.test'))).toBeUndefined();
  });

  it.each([
    ['bind_address = "192.0.2.5"\nbind_address_secondary = "192.0.2.6"', 3, /other family: bind_address is IPv4/],
    ['bind_address = "2001:db8::1"\nbinding "b" {\n  bind_address_secondary = "2001:db8::2"\n}', 4, /other family: bind_address is IPv6/],
    ['bind_address_secondary = "mx.example.test"', 2, /not an IP address/],
    ['bind_address_secondary = "300.1.1.1"', 2, /not an IP address/],
    ['domain "a.test" {\n  bind_address_secondary = "::1"\n}', 3, /./],
  ])('check refuses %j', async (text, line, words) => {
    const configured = await configureIt(LOADED + text);
    expect(configured.ok).toBe(false);
    expect(configured.problems).toContainEqual(expect.objectContaining({ severity: 'error', line, say: expect.stringMatching(words) }));
  });
});
