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
import { choosePlace, UNPLACED } from './placement.js';

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

  it('is one object for one triple', async () => {
    const { choose, places } = await open();
    choose('a@far.test');
    choose('b@far.test');
    expect(places.size).toBe(1);
  });
});
