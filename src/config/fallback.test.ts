/** Every option of sending, in every scope it may stand in: the most specific scope that sets it wins, whatever the option. */
import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';
import { areas } from './core/index.js';
import type { Option } from './option.js';
import { renderProblems } from './render.js';
import type { OutboundScope, Scope } from './scopes.js';
import type { Snapshot } from './snapshot.js';

const { Timers, Encryption } = areas;
const options: Readonly<Record<string, Option<unknown, Scope>>> = {
  ...areas['Routing and delivery'],
  ...areas['Name service'],
  ...areas['Queue and retry'],
  ...areas['Limits and throttles'],
  ...Timers,
  ...Encryption,
  ...areas['Bounces and notices'],
};

/** A value of the option, as written. */
function sampleOf(name: string, option: Option<unknown>): string {
  const { type } = option;
  const named: Readonly<Record<string, string>> = {
    bind_address: '192.0.2.1',
    gateway: '"g.test"',
    routes: '( "g.test" )',
    alias_schemes: '( one )',
    tls_protocols: '"+ALL"',
    bounce_pattern: '"/x/"',
    bounces_inline_original: 'none',
    outbound_throttle_connections: '"3/5"',
    outbound_throttle_messages: '"3/5"',
    max_retries: '3',
    scope_max_outbound_connections: '3',
  };
  if (named[name] !== undefined) return named[name];
  if (option.default !== undefined && option.default !== null) return `"${option.print(option.default)}"`;
  if (type.includes('file') || type.includes('path')) return '"/x"';
  return '"x@y.test"';
}

/** Where an option may be written, most specific first: the scope's name, and the text around the setting. */
const SPOTS: readonly (readonly [key: string, scopes: readonly OutboundScope[], wrap: (setting: string) => string])[] = [
  [
    'binding_group g > binding b > domain d.test',
    ['binding_group', 'binding', 'domain'],
    (s) => `binding_group "g" { binding "b" { domain "d.test" { ${s} } } }`,
  ],
  ['binding b > domain d.test', ['binding', 'domain'], (s) => `binding "b" { domain "d.test" { ${s} } }`],
  ['binding_group g > domain d.test', ['binding_group', 'domain'], (s) => `binding_group "g" { domain "d.test" { ${s} } }`],
  ['binding_group g > binding b', ['binding_group', 'binding'], (s) => `binding_group "g" { binding "b" { ${s} } }`],
  ['binding b', ['binding'], (s) => `binding "b" { ${s} }`],
  ['binding_group g', ['binding_group'], (s) => `binding_group "g" { ${s} }`],
  ['domain d.test', ['domain'], (s) => `domain "d.test" { ${s} }`],
  ['global', ['global'], (s) => s],
];

/** An option belongs into a stanza when its innermost scope is one of the option's. */
const innermost = (scopes: readonly OutboundScope[]): OutboundScope => scopes.at(-1) as OutboundScope;

async function take(text: string): Promise<Snapshot> {
  const read = await configureText(`binding_group "g" { binding "b" { } }\nbinding "b" { }\n${text}`, { unread: new Set() });
  if (!read.ok) throw new Error(renderProblems(read.problems));
  return read.snapshot;
}

const WHERE = { group: 'g', binding: 'b', domain: 'd.test' };
const outbound = Object.entries(options).filter(([, { scopes }]) => scopes.includes('domain') || scopes.includes('binding'));

describe('fallback of every option of sending', () => {
  it('is looked at for all that have more than one scope', () => expect(outbound.length).toBeGreaterThan(60));

  it.each(outbound)('%s', async (name, option) => {
    const setting = `${name} = ${sampleOf(name, option)}`;
    const allowed = SPOTS.filter(([, scopes]) => option.scopes.includes(innermost(scopes)));
    expect(allowed.length).toBeGreaterThan(1);
    for (let from = 0; from < allowed.length; from++) {
      const snapshot = await take(
        allowed
          .slice(from)
          .map(([, , wrap]) => wrap(`\n${setting}\n`))
          .join('\n'),
      );
      expect(snapshot.find(name, WHERE).scopeKey).toBe(allowed[from]?.[0]);
    }
    const bare = (await take('')).find(name, WHERE);
    expect([bare.scopeKey, bare.value]).toEqual(['default', option.default]);
  });

  it.each(outbound)('%s is refused where it does not belong', async (name, option) => {
    for (const [key, scopes, wrap] of SPOTS) {
      if (option.scopes.includes(innermost(scopes))) continue;
      const read = await configureText(wrap(`\n${name} = ${sampleOf(name, option)}\n`), { unread: new Set() });
      expect([key, read.problems.map(({ code }) => code)]).toEqual([key, ['CONFIG_WRONG_SCOPE']]);
    }
  });
});

const valued: readonly (readonly [string, readonly number[]])[] = outbound
  .filter(([, { type, scopes }]) => /integer|number|duration/.test(type) && scopes.includes('global'))
  .map(([name, { scopes }]) => [name, SPOTS.flatMap(([, spot], i) => (scopes.includes(innermost(spot)) ? [i + 1] : []))]);

describe('the value a place gets', () => {
  it('is looked at for many', () => expect(valued.length).toBeGreaterThan(20));

  it.each(valued)('%s is that of the scope', async (name, values) => {
    const texts = values.map((value) =>
      SPOTS[value - 1]?.[2](`\n${name} = ${name.startsWith('connection_allocation') ? value / 10 : value}\n`),
    );
    for (let from = 0; from < values.length; from++) {
      const snapshot = await take(texts.slice(from).join('\n'));
      const value = values[from] as number;
      const read: unknown = Object.entries(snapshot.at(WHERE)).find(([key]) => key === name)?.[1];
      expect(read).toBe(name.startsWith('connection_allocation') ? value / 10 : value);
    }
  });
});
