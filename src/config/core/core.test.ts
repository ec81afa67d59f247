import { describe, expect, it } from 'vitest';
import { openShape } from '../manifest.js';
import type { Option, Raw } from '../option.js';
import { parse } from '../parse.js';
import { rawOf } from '../raw.js';
import { cabinets } from '../stanzas.js';
import { areas, core } from './index.js';

/** Every option of the core and of its stanzas, by name. */
const all: readonly (readonly [string, Option<unknown>])[] = [
  ...Object.entries(core),
  ...Object.entries(cabinets).flatMap(([kind, { shape }]) => {
    const { options, blocks } = openShape(shape);
    const inner = Object.entries(blocks).flatMap(([name, block]) =>
      Object.entries(openShape(block).options).map(([key, option]) => [`${name}.${key}`, option] as const),
    );
    return [...Object.entries(options).map(([key, option]) => [`${kind}.${key}`, option] as const), ...inner];
  }),
];

const reread = (spelled: string): Raw => {
  const [entry] = parse(`x = ${spelled}`).tree.entries;
  if (entry?.kind !== 'assign') throw new Error(`${spelled} is no value`);
  return rawOf(entry.value);
};

describe('the options of the core', () => {
  it('are as many as the manual lists, with ours', () => {
    const ours = Object.values<Option<unknown>>(core).filter((option) => option.origin === 'ours');
    expect([Object.keys(core).length, ours.length, all.length]).toEqual([246, 20, 310]);
    expect(Object.keys(areas)).toHaveLength(17);
    expect(
      Object.values(areas)
        .flatMap((area) => Object.keys(area))
        .sort(),
    ).toEqual(Object.keys(core).sort());
  });

  it.each(all)('%s is declared well', (name, option) => {
    expect(name).toMatch(/^[a-z0-9_.]+$/);
    expect(option.doc).toMatch(/^\S.*\.$/);
    expect(option.doc).not.toMatch(/ {2}/);
    expect(option.differs ?? 'A.').toMatch(/^[A-Z].*\.$/);
    if (option.default === undefined) return;
    const spelled = option.print(option.default);
    expect(option.print(option.parse(reread(spelled)))).toBe(spelled);
  });

  it('are declared where they may stand', () => {
    for (const [name, option] of Object.entries<Option<unknown>>(core)) {
      expect(option.scopes.length, name).toBeGreaterThan(0);
      expect(new Set(option.scopes).size, name).toBe(option.scopes.length);
    }
  });

  it('have safe defaults', () => {
    expect(core.require_ehlo.default).toBe(true);
    expect(core.rfc2822_lone_lf_in_body.default).toBe('pedantic');
    expect(core.rfc2822_lone_lf_in_headers.default).toBe('pedantic');
    expect(core.max_message_size.default).toBe(10_485_760);
    expect(core.starttls_injection_policy.default).toBe('ignore');
    expect(core.connections_per_client.default).toBe(50);
    expect(core.deliver_to_private.default).toBe(false);
    expect(core.open_relay.default).toBe(false);
    expect(core.spool_sync.default).toBe('group');
  });

  it('refuse commands in clear behind STARTTLS, and banners and versions that are none', () => {
    expect(() => core.starttls_injection_policy.parse('allow')).toThrow('never obeyed');
    expect(core.starttls_injection_policy.parse('reject')).toBe('reject');
    expect(() => core.static_banner.parse('mail.test')).toThrow('begin with 220');
    expect(core.static_banner.parse('220 mail.test')).toBe('220 mail.test');
    expect(() => core.tls_protocols.parse('TLSv1.2')).toThrow('+ or -');
    expect(core.tls_protocols.parse('+ALL:-TLSv1.0')).toBe('+ALL:-TLSv1.0');
    expect(core.blackhole.parse('yes')).toBe('true');
  });
});
