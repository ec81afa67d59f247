import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addStanza, removeStanza, setOption, unsetOption } from './edit.js';
import { parse } from './parse.js';
import { print } from './print.js';
import type { ScopePath } from './scope-path.js';

const FILE = `# our mail
Retry_Interval = 600   # ten minutes
Binding_Group "tenants" {
    Binding "acme" {
        Bind_Address = 192.0.2.1
        Domain "/^slow/" { Max_Outbound_Connections = 2 }
    }
}
ESMTP_Listener { Listen ":25" { } }
`;
const ACME: ScopePath = [
  { keyword: 'binding_group', instance: 'tenants' },
  { keyword: 'binding', instance: 'acme' },
];

const edit = (text: string, change: (tree: ReturnType<typeof parse>['tree']) => ReturnType<typeof parse>): string => {
  const { tree, problems } = change(parse(text, 'f').tree);
  expect(problems).toEqual([]);
  expect(tree.source.path).toBe('f');
  return print(tree);
};

/** Lines that are not the same: `-old`, `+new`. */
function touched(before: string, after: string): string[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return [...a.slice(start, a.length - end).map((line) => `-${line}`), ...b.slice(start, b.length - end).map((line) => `+${line}`)];
}

const diffOf = (text: string, change: Parameters<typeof edit>[1]): string[] => touched(text, edit(text, change));

describe('setOption', () => {
  it('changes the value in place and nothing else', () => {
    expect(diffOf(FILE, (t) => setOption(t, [], 'retry_interval', '900'))).toEqual([
      '-Retry_Interval = 600   # ten minutes',
      '+Retry_Interval = 900   # ten minutes',
    ]);
    expect(
      diffOf(FILE, (t) => setOption(t, [...ACME, { keyword: 'DOMAIN', instance: '/^slow/' }], 'max_outbound_connections', '3')),
    ).toEqual(['-        Domain "/^slow/" { Max_Outbound_Connections = 2 }', '+        Domain "/^slow/" { Max_Outbound_Connections = 3 }']);
  });

  it('adds a line at the end of the scope, indented as its neighbours', () => {
    expect(diffOf(FILE, (t) => setOption(t, ACME, 'EHLO_Hostname', 'out 1'))).toEqual(['+        EHLO_Hostname = "out 1"']);
    expect(diffOf(FILE, (t) => setOption(t, ACME.slice(0, 1), 'TLS', 'required'))).toEqual(['+    TLS = required']);
    expect(diffOf(FILE, (t) => setOption(t, [], 'Relay_Hosts', ['::1', '10.0.0.0/8']))).toEqual(['+Relay_Hosts = ( ::1 10.0.0.0/8 )']);
  });

  it('adds to a stanza on one line, and to an empty one', () => {
    const listen: ScopePath = [{ keyword: 'esmtp_listener' }, { keyword: 'listen', instance: '*:25' }];
    expect(diffOf(FILE, (t) => setOption(t, listen, 'Context', { zone: 'in' }))).toEqual([
      '-ESMTP_Listener { Listen ":25" { } }',
      '+ESMTP_Listener { Listen ":25" { Context = [ zone = in ] } }',
    ]);
    expect(edit('a b {}', (t) => setOption(t, [{ keyword: 'a', instance: 'b' }], 'c', 'd'))).toBe('a b { c = d }');
    expect(edit('a {\n}', (t) => setOption(t, [{ keyword: 'a' }], 'c', 'd'))).toBe('a {\n  c = d\n}');
  });

  it('finds stanzas by all spellings of their names', () => {
    expect(edit('Domain /A.b/ { }', (t) => setOption(t, [{ keyword: 'domain', instance: '/A.b/' }], 'c', 'd'))).toBe(
      'Domain /A.b/ { c = d }',
    );
    expect(edit('Domain "A.b" { }', (t) => setOption(t, [{ keyword: 'domain', instance: 'a.B' }], 'c', 'd'))).toBe(
      'Domain "A.b" { c = d }',
    );
    expect(edit('s { Peer bad { } }', (t) => setOption(t, [{ keyword: 's' }, { keyword: 'peer', instance: 'bad' }], 'c', 'd'))).toBe(
      's { Peer bad { c = d } }',
    );
  });

  it('adds stanzas that are missing', () => {
    const path: ScopePath = [...ACME.slice(0, 1), { keyword: 'Binding', instance: 'bolt' }, { keyword: 'Domain', instance: '/a"b/' }];
    expect(diffOf(FILE, (t) => setOption(t, path, 'TLS', 'no'))).toEqual([
      '+    Binding "bolt" {',
      "+      Domain '/a\"b/' {",
      '+        TLS = no',
      '+      }',
      '+    }',
    ]);
  });

  it('writes to the last place when a scope or option stands twice', () => {
    const text = 'a { x = 1\n x = 2 }\na { y = 1 }\n';
    expect(edit(text, (t) => setOption(t, [{ keyword: 'a' }], 'x', '3'))).toBe('a { x = 1\n x = 3 }\na { y = 1 }\n');
    expect(edit(text, (t) => setOption(t, [{ keyword: 'a' }], 'z', '3'))).toBe('a { x = 1\n x = 2 }\na { y = 1 z = 3 }\n');
  });

  it('keeps the ends of lines as the file has them', () => {
    expect(edit('a {\r\n\tb = 1\r\n}\r\n', (t) => setOption(t, [{ keyword: 'a' }], 'c', '2'))).toBe('a {\r\n\tb = 1\r\n\tc = 2\r\n}\r\n');
    expect(edit('a = 1', (t) => setOption(t, [], 'c', '2'))).toBe('a = 1\nc = 2\n');
    expect(edit('# only this', (t) => setOption(t, [], 'c', '2'))).toBe('# only this\nc = 2\n');
    expect(edit('', (t) => setOption(t, [], 'c', '2'))).toBe('c = 2\n');
  });

  it('replaces values of every kind', () => {
    expect(edit('a = ( x /* y */ z ) b = [ k = v ]', (t) => setOption(t, [], 'a', 'w'))).toBe('a = w b = [ k = v ]');
    expect(edit('a = x b [ k = v l ( m ) ]', (t) => setOption(t, [], 'B', { n: ['o p'] }))).toBe('a = x b [ n = ( "o p" ) ]');
  });

  it('leaves skipped text and includes alone', () => {
    const { tree } = setOption(parse('include "x"\n= oops\na = 1\n').tree, [], 'a', '2');
    expect(print(tree)).toBe('include "x"\n= oops\na = 2\n');
    expect(print(setOption(parse('a = [ b = ]\n').tree, [], 'c', '2').tree)).toBe('a = [ b = ]\nc = 2\n');
  });
});

describe('unsetOption', () => {
  it('takes the line out, with the remark on it', () => {
    expect(diffOf(FILE, (t) => unsetOption(t, [], 'RETRY_INTERVAL'))).toEqual(['-Retry_Interval = 600   # ten minutes']);
    expect(diffOf(FILE, (t) => unsetOption(t, ACME, 'bind_address'))).toEqual(['-        Bind_Address = 192.0.2.1']);
  });

  it('takes only the words out where others share the line', () => {
    expect(diffOf(FILE, (t) => unsetOption(t, [...ACME, { keyword: 'domain', instance: '/^slow/' }], 'Max_Outbound_Connections'))).toEqual([
      '-        Domain "/^slow/" { Max_Outbound_Connections = 2 }',
      '+        Domain "/^slow/" { }',
    ]);
    expect(edit('a = 1 b = 2 /* c */', (t) => unsetOption(t, [], 'a'))).toBe('b = 2 /* c */');
  });

  it('takes out every one, and nothing when there is none', () => {
    expect(edit('a { x = 1\n}\nx = 2\na { x = 3 y = (\n1 ) }\n', (t) => unsetOption(t, [{ keyword: 'a' }], 'x'))).toBe(
      'a { }\nx = 2\na { y = (\n1 ) }\n'.replace('{ }', '{ \n}'),
    );
    expect(edit(FILE, (t) => unsetOption(t, ACME, 'tls'))).toBe(FILE);
    expect(edit(FILE, (t) => unsetOption(t, [{ keyword: 'binding', instance: 'x' }], 'tls'))).toBe(FILE);
  });
});

describe('addStanza and removeStanza', () => {
  it('adds an empty one unless it is there', () => {
    expect(diffOf(FILE, (t) => addStanza(t, [{ keyword: 'Host', instance: 'mx.test' }]))).toEqual(['+Host "mx.test" { }']);
    expect(diffOf(FILE, (t) => addStanza(t, [...ACME, { keyword: 'Domain', instance: 'x.test' }]))).toEqual([
      '+        Domain "x.test" { }',
    ]);
    expect(edit(FILE, (t) => addStanza(t, ACME))).toBe(FILE);
    expect(edit(FILE, (t) => addStanza(t, []))).toBe(FILE);
  });

  it('takes one out with all it holds', () => {
    expect(diffOf(FILE, (t) => removeStanza(t, ACME)).length).toBe(4);
    expect(diffOf(FILE, (t) => removeStanza(t, [{ keyword: 'esmtp_listener' }]))).toEqual(['-ESMTP_Listener { Listen ":25" { } }']);
    expect(edit(FILE, (t) => removeStanza(t, []))).toBe(FILE);
  });
});

describe('any edit', () => {
  it('can be undone, and means what was asked', () => {
    const path = fc.constantFrom<ScopePath>(
      [],
      ACME,
      ACME.slice(0, 1),
      [{ keyword: 'esmtp_listener' }],
      [{ keyword: 'Binding', instance: 'new' }],
    );
    const text = fc.constantFrom('1', 'a b', '', '"', "'", '\\', '#', '/x/', '/x"y/', '\n', 'ü', '{', '/*', '/\'"/');
    fc.assert(
      fc.property(path, fc.oneof(text, fc.array(text)), (where, value) => {
        const set = setOption(parse(FILE, 'f').tree, where, 'Brand_New', value);
        expect(set.problems).toEqual([]);
        const scope = where.reduce(
          (entries, step) =>
            entries.flatMap((e) => (e.kind === 'stanza' && e.keyword.text.toLowerCase() === step.keyword.toLowerCase() ? e.entries : [])),
          set.tree.entries,
        );
        const found = scope.find((e) => e.kind === 'assign' && e.name.text === 'Brand_New');
        const read =
          found?.kind === 'assign' &&
          (found.value.kind === 'list' ? found.value.items.map((i) => i.text) : found.value.kind === 'dict' ? '' : found.value.text);
        expect(read).toEqual(Array.isArray(value) ? value.map(meaning) : meaning(value as string));
        const unset = unsetOption(set.tree, where, 'brand_new');
        if (where.every((step) => step.instance !== 'new') && where[0]?.keyword !== 'esmtp_listener') expect(print(unset.tree)).toBe(FILE);
      }),
      { numRuns: 500 },
    );
  });
});

/** A pattern with both kinds of quotes is spelled with an escape that means the same to the regex. */
const meaning = (text: string): string => (text === '/\'"/' ? '/\'\\"/' : text);
