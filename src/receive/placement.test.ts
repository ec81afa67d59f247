import { describe, expect, it } from 'vitest';
import { configureText } from '../config/configure.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { bodyOf, Copy } from '../module/copy.js';
import { planOf, rehearse } from '../module/fixture.js';
import type { Assignment } from '../module/hooks.js';
import { PlaceTable } from '../module/place.js';
import { makeRules } from '../server/rules.js';
import { addressOf } from './fixture.js';
import { choosePlace, rebindPlace, UNPLACED } from './placement.js';

const CONFIG = `
binding_group "tenants" {
  binding "one" { }
  binding "two" { }
  binding "three" {
    domain "far.test" {
      suspend_delivery = true
    }
  }
}
binding_group "asleep" {
  binding "dozing" {
    suspend_delivery = true
  }
}
binding "alone" { }
binding_group "empty" { }
domain "gated.test" {
  gateway = "Relay.Corp.Test"
}
`;

async function open(config = CONFIG) {
  const configured = await configureText(config, { unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { registry } = rehearse();
  registry.commit(await registry.prepare([planOf({ name: 'nobody', register: () => {} })]));
  const { bindings } = makeRules(configured.snapshot, registry.current.hooks.chains);
  const places = new PlaceTable();
  const choose = (
    to: string,
    assigned?: Assignment,
    draft: Partial<Pick<Copy, 'binding' | 'bindingGroup' | 'routingDomain'>> = {},
    random = 0,
  ) => {
    const reception = {
      batchId: 'b',
      connectionId: 'c',
      protocol: 'esmtp',
      receivedAt: 0,
      sender: null,
      facts: new Facts(),
      smtpUtf8: false,
    } as const;
    const copy = new Copy('id', reception, [addressOf(to)], new Headers(Buffer.from('\r\n')), bodyOf([]), new Facts());
    Object.assign(copy, draft);
    const place = choosePlace(copy, assigned, bindings, places, () => random);
    return place === UNPLACED ? 'unplaced' : `${place.group}/${place.binding}/${place.domain}`;
  };
  return { choose, places, bindings };
}

describe('the place of a copy', () => {
  it.each<[string, string, Assignment | undefined, string]>([
    ['nothing is chosen', 'a@far.test', undefined, 'default/default/far.test'],
    ['a binding is named: its group comes with it', 'a@far.test', { binding: 'two' }, 'tenants/two/far.test'],
    ['a binding without a group is named', 'a@far.test', { binding: 'alone' }, 'default/alone/far.test'],
    ['an unknown binding is named', 'a@far.test', { binding: 'nowhere' }, 'default/default/far.test'],
    ['an unknown binding and a group are named', 'a@far.test', { binding: 'nowhere', group: 'tenants' }, 'tenants/one/far.test'],
    [
      'binding and another group are named: the binding decides',
      'a@far.test',
      { binding: 'alone', group: 'tenants' },
      'default/alone/far.test',
    ],
    ['an unknown group is named', 'a@far.test', { group: 'nobody' }, 'default/default/far.test'],
    ['a group without members is named', 'a@far.test', { group: 'empty' }, 'default/default/far.test'],
    ['all members of a group are suspended', 'a@far.test', { group: 'asleep' }, 'asleep/dozing/far.test'],
    ['the domain has a gateway', 'a@gated.test', undefined, 'default/default/relay.corp.test'],
  ])('when %s', async (_when, to, assigned, place) => {
    expect((await open()).choose(to, assigned)).toBe(place);
  });

  it('is the domain itself where its gateway is taken away', async () => {
    const { choose } = await open('gateway = "relay.test"\ndomain "direct.test" { gateway = "" }');
    expect(choose('a@any.test')).toBe('default/default/relay.test');
    expect(choose('a@direct.test')).toBe('default/default/direct.test');
  });

  it('in a group is any member that is not suspended there', async () => {
    const { choose } = await open();
    const over = (domain: string) =>
      [0, 0.34, 0.67, 0.999].map((random) => choose(`a@${domain}`, { group: 'tenants' }, {}, random).split('/')[1]);
    expect(over('near.test')).toEqual(['one', 'two', 'three', 'three']);
    expect(over('far.test')).toEqual(['one', 'one', 'two', 'two']);
  });

  it('follows a policy where no hook assigns, and the hook where both do', async () => {
    const { choose } = await open();
    expect(choose('a@far.test', undefined, { binding: 'one' })).toBe('tenants/one/far.test');
    expect(choose('a@far.test', undefined, { bindingGroup: 'asleep' })).toBe('asleep/dozing/far.test');
    expect(choose('a@far.test', { binding: 'two' }, { binding: 'one' })).toBe('tenants/two/far.test');
    expect(choose('a@gated.test', undefined, { routingDomain: 'other.test' })).toBe('default/default/other.test');
  });

  it('is nowhere with default_binding = none, unless a binding was chosen', async () => {
    const { choose } = await open(`default_binding = "none"\n${CONFIG}`);
    expect(choose('a@far.test')).toBe('unplaced');
    expect(choose('a@far.test', { binding: 'nowhere' })).toBe('unplaced');
    expect(choose('a@far.test', { binding: 'alone' })).toBe('default/alone/far.test');
  });

  it('in a group follows the weights; without any all are equal; who is here goes first', async () => {
    const { choose, bindings } = await open(
      'binding_group "g" {\n binding "a" { binding_weight = 1 }\n binding "b" { binding_weight = 3 }\n binding "c" { binding_weight = 0 }\n}\nbinding_group "z" {\n binding "x" { binding_weight = 0 }\n binding "y" { binding_weight = 0 }\n}\n',
    );
    const over = (group: string) =>
      Array.from({ length: 8 }, (_, i) => choose('a@far.test', { group }, {}, (i + 0.5) / 8).split('/')[1]).join('');
    expect(over('g')).toBe('aabbbbbb');
    expect(over('z')).toBe('xxxxyyyy');
    Object.assign(bindings, { isLocal: (binding: string) => binding === 'a' || binding === 'c' });
    expect(over('g')).toBe('aaaaaaaa');
    expect(over('z')).toBe('xxxxyyyy');
  });

  it.each<[string, string, Assignment | undefined, string]>([
    ['a member of its group', 'tenants/two', undefined, 'tenants/one'],
    ['its own binding when that stands alone', 'default/alone', undefined, 'default/alone'],
    ['a member when its binding is gone and the group is not', 'tenants/fired', undefined, 'tenants/one'],
    ['the default when both are gone', 'former/fired', undefined, 'default/default'],
    ['the group a binding was moved to', 'former/two', undefined, 'tenants/one'],
    ['what a hook says', 'default/default', { binding: 'two' }, 'tenants/two'],
    ['the default again without a word', 'default/default', undefined, 'default/default'],
  ])('is, bound anew, %s', async (_what, from, assigned, to) => {
    const { bindings, places } = await open();
    const [group = '', binding = ''] = from.split('/');
    const mail = { place: places.of(group, binding, 'route.test'), recipient: addressOf('a@far.test') };
    const place = rebindPlace(mail, assigned, bindings, places, () => 0);
    expect(`${place.group}/${place.binding}/${place.domain}`).toBe(`${to}/route.test`);
  });

  it('stays, bound anew, where the default binding takes nothing', async () => {
    const { bindings, places } = await open(`default_binding = "none"\n${CONFIG}`);
    const place = places.of('former', 'fired', 'far.test');
    expect(rebindPlace({ place, recipient: addressOf('a@far.test') }, undefined, bindings, places, () => 0)).toBe(place);
  });

  it('is one object for one triple', async () => {
    const { choose, places } = await open();
    choose('a@far.test');
    choose('b@far.test');
    expect(places.size).toBe(1);
  });
});
