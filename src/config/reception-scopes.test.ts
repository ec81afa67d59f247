/** Every option of reception is found in every scope it may be written in, one by one. */
import { describe, expect, it } from 'vitest';
import { configureText } from './configure.js';
import { listenerOptions } from './core/listener.js';
import { receptionOptions } from './core/reception.js';
import type { Option } from './option.js';

/** A stanza around the option, for each kind of scope a client can be in. */
const AROUND: Readonly<Record<string, (line: string) => string>> = {
  global: (line) => `${line}\nesmtp_listener { listen ":25" { } }`,
  pathway_group: (line) => `pathway_group g { ${line}\n pathway p { } }\nesmtp_listener { pathway = p  listen ":25" { } }`,
  pathway: (line) => `pathway p { ${line} }\nesmtp_listener { pathway = p  listen ":25" { } }`,
  esmtp_listener: (line) => `esmtp_listener { ${line}\n listen ":25" { } }`,
  listen: (line) => `esmtp_listener { listen ":25" { ${line} } }`,
  peer: (line) => `esmtp_listener { listen ":25" { peer 192.0.2.0/24 { ${line} } } }`,
};

const WHERE = { listener: 'esmtp_listener', listen: ':25', peerIp: '192.0.2.7' };

const rows = Object.entries<Option<unknown>>({ ...listenerOptions, ...receptionOptions }).flatMap(([name, option]) => {
  const value = typeof option.default === 'boolean' ? String(!option.default) : typeof option.default === 'number' ? '17' : undefined;
  return value === undefined || name === 'file_mode'
    ? []
    : option.scopes.flatMap((scope) => (AROUND[scope] ? [[name, scope, value] as const] : []));
});

describe('an option of reception', () => {
  it.each(rows)('%s in %s', async (name, scope, value) => {
    const configured = await configureText(AROUND[scope]?.(`${name} = ${value}`) ?? '', { unread: new Set() });
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    const found: Readonly<Record<string, unknown>> = { ...configured.snapshot.global, ...configured.snapshot.inbound(WHERE) };
    expect(Number(String(found[name]).replace('true', '1').replace('false', '0'))).toBe(
      value === 'true' ? 1 : value === 'false' ? 0 : Number(value),
    );
  });
});
