/** Every specifier for every kind of event, byte for byte against a golden file; and what is refused, with its place. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatOneLine, type MacroSource } from '#module';
import { makeEvents, makeMail } from '../../test/fixtures/log-events.js';
import { type Namespaces, readFormat } from './format.js';
import { specifiers, type Tools } from './specifiers.js';

const tools: Tools = {
  nameOfClass: (bounceClass) => `class ${bounceClass}`,
  groupOfPathway: (pathway) => (pathway === 'partners' ? 'inbound' : ''),
  readHeader: ({ headers }, name) => headers.get(name) ?? '',
  clean: (text) => text.replaceAll('\t', '\\t'),
  formatReply: formatOneLine,
};
const source = (...names: string[]): MacroSource => ({
  names,
  fill: (name, { kind }) => (name === 'none' ? undefined : `<${name} ${kind}>`),
});
const namespaces: Namespaces = new Map([
  ['custom_logger', source()],
  ['mine', source('mydate', 'bb', 'none', 'mine')],
]);
const ARGUMENTS: Readonly<Record<string, string>> = { h: 'x-tag', us: '6', vctx_conn: 'tenant', vctx_mess: 'campaign', t: '%s', T: '3' };

const lineOf = (text: string, from = namespaces) => {
  const read = readFormat(text, from, tools);
  if ('say' in read) throw new Error(read.say);
  return read.line;
};
const faultOf = (text: string): string => {
  const read = readFormat(text, namespaces, tools);
  return 'say' in read ? read.say : 'nothing is wrong';
};

describe('formats', () => {
  it('are what the golden file says, for all specifiers and kinds of events', () => {
    const all = [...specifiers].flatMap(([name, { argument }]) => [
      ...(argument === 'needed' ? [] : [`%${name}`]),
      ...(argument === 'none' ? [] : [`%${name}{${ARGUMENTS[name]}}`]),
    ]);
    const lines = Object.entries(makeEvents()).flatMap(([kind, event]) => [
      `# ${kind}`,
      ...all.map((text) => `${text} = ${lineOf(text)(event)}`),
    ]);
    expect(`${lines.join('\n')}\n`).toBe(fs.readFileSync(path.join(import.meta.dirname, 'golden', 'specifiers.txt'), 'utf8'));
  });

  const { delivery } = makeEvents();
  if (!delivery) throw new Error('no delivery');

  it.each([
    ['', ''],
    ['plain words', 'plain words'],
    ['100%% of %r', '100% of bob'],
    ['%r@%R', 'bob@example.net'],
    ['%b%BI', 'acmeB1/00-00042-0000BA7C'],
    ['%B%B', '7878'],
    ['%T{0}s', '5s'],
    ['%us{1}%us{3}', '1800000005.41800000005.456'],
    ['%m_%M', 'alice_example.com'],
    ['%H:%N', '198.51.100.25:2'],
    ['%mydate', '<mydate delivery>'],
    ['%bb|%none|', '<bb delivery>||'],
    ['%{mine:mydate}%{mine}', '<mydate delivery><mine delivery>'],
    ['%{vctx_mess:campaign}%{vctx_conn:tenant}%{i}', 'spring saleacmeM1/00-00042-00000001'],
    ['%C{', '{'],
    ['%h{subject}', '=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?='],
    ['%h{x-none}|%vctx_mess{none}|', '||'],
    ['%H%@%r %', '198.51.100.25%@bob %'],
  ])('%j is %j', (text, line) => {
    expect(lineOf(text)(delivery)).toBe(line);
  });

  it.each([
    ['ab%Q', 'there is no macro "Q" (at 3)'],
    ['%bfoo', 'there is no macro "bfoo"; letters, :: and __ cannot stand behind %b (at 1)'],
    ['%r::%R', 'cannot stand behind %r (at 1)'],
    ['%r__%R', 'cannot stand behind %r (at 1)'],
    ['%h', '%h has to be followed by braces (at 1)'],
    ['%h{}', '%h cannot be: nothing stands between its braces (at 1)'],
    ['%t{%Q}', '%t cannot be: %Q is no part of a time format (at 1)'],
    ['%t{%', 'the brace of %t has no end (at 1)'],
    ['%us{0}', '%us cannot be: 1 to 6 decimals were expected (at 1)'],
    ['%us{7}', '1 to 6 decimals'],
    ['%us', '%us has to be followed by braces (at 1)'],
    ['%T{x}', '%T cannot be: 0 to 6 decimals were expected (at 1)'],
    ['x %{i', 'the macro has no end (at 3)'],
    ['%{mine:other}', 'there is no macro "mine:other" (at 1)'],
    ['%{yours:mydate}', 'there is no macro "yours:mydate" (at 1)'],
    ['%{constructor}', 'there is no macro "constructor" (at 1)'],
    ['%{vctx_mess:}', '%vctx_mess cannot be: nothing stands between its braces (at 1)'],
    ['%5', 'there is no macro "5" (at 1)'],
  ])('%j is refused: %s', (text, say) => {
    expect(faultOf(text)).toContain(say);
  });

  it('look for names in the namespaces that are listed, and nowhere else', () => {
    const only: Namespaces = new Map([['mine', source('mydate')]]);
    expect(lineOf('%mydate', only)(delivery)).toBe('<mydate delivery>');
    expect(readFormat('%r', only, tools)).toHaveProperty('say');
    expect(readFormat('%{vctx_mess:x}', only, tools)).toHaveProperty('say');
  });

  it('of any text either compile or say where not', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[%{}:a-zA-Z_@ 0-9]{0,40}$/), (text) => {
        const read = readFormat(text, namespaces, tools);
        if ('say' in read) expect(read.say).toMatch(/\(at \d+\)$/);
        else expect(typeof read.line(delivery)).toBe('string');
      }),
    );
  });

  it('tell a message of nobody, by nobody', () => {
    const mail = makeMail({ sender: null, source: undefined, user: undefined, pathway: undefined } as never);
    expect(lineOf('%m|%M|%H|%U|%A|%P|%PG')({ kind: 'reception', mail, place: mail.place, at: 0 })).toBe('||||||');
  });
});
