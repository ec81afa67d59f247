/** Compiles a format: words and specifiers become functions, once, when the configuration is read. */
import type { MacroEvent, MacroSource } from '#module';
import { type Fill, type Specifier, specifiers, type Tools } from './specifiers.js';

/** Namespaces in the order in which a bare name is looked for. */
export type Namespaces = ReadonlyMap<string, MacroSource>;

/** Writes the line of an event. */
export type Line = (event: MacroEvent) => string;

/** Why there is no line, with the place in the text. */
export interface Fault {
  readonly say: string;
}

/** Namespace of the specifiers themselves. */
export const OWN_NAMESPACE = 'custom_logger';

const isFault = (x: Fill | Fault): x is Fault => typeof x !== 'function';

/** A percent sign in front of what can begin no name; the manuals' own examples have one. */
const LONE = /^(?![\w{%])/;

/** Reads a format; the longest name wins. A specifier that does not exist is a fault. `lone`: where percent signs stand for themselves. */
export function readFormat(
  text: string,
  namespaces: Namespaces,
  tools: Tools,
): { readonly line: Line; readonly lone: readonly number[] } | Fault {
  const parts: (string | Fill)[] = [];
  const lone: number[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf('%', at);
    const words = text.slice(at, start < 0 ? text.length : start);
    if (words !== '') parts.push(words);
    if (start < 0) break;
    if (LONE.test(text.slice(start + 1))) {
      lone.push(start + 1);
      parts.push('%');
      at = start + 1;
      continue;
    }
    const read = readMacro(text, start, namespaces, tools);
    if ('say' in read) return { say: `${read.say} (at ${start + 1})` };
    parts.push(read.part);
    at = read.end;
  }
  return {
    lone,
    line(event) {
      let line = '';
      for (const part of parts) line += typeof part === 'string' ? part : part(event);
      return line;
    },
  };
}

type Read = { readonly part: string | Fill; readonly end: number } | Fault;

function readMacro(text: string, start: number, namespaces: Namespaces, tools: Tools): Read {
  const from = start + 1;
  if (text.startsWith('%', from)) return { part: '%', end: from + 1 };
  if (text.startsWith('{', from)) return readBraced(text, from, namespaces, tools);
  const name = findLongest(text, from, namespaces);
  if (name === undefined) return { say: `there is no macro "${wordAt(text, from)}"` };
  const end = from + name.length;
  const specifier = specifierOf(name, namespaces);
  if (specifier && specifier.argument !== 'none' && text.startsWith('{', end)) {
    const close = text.indexOf('}', end);
    if (close < 0) return { say: `the brace of %${name} has no end` };
    return finish(name, specifier.make(text.slice(end + 1, close), tools), close + 1);
  }
  if (/^(?:[A-Za-z]|::|__)/.test(text.slice(end, end + 2))) {
    return { say: `there is no macro "${wordAt(text, from)}"; letters, :: and __ cannot stand behind %${name}` };
  }
  if (specifier?.argument === 'needed') return { say: `%${name} has to be followed by braces` };
  return finish(name, specifier ? specifier.make(undefined, tools) : foreign(name, namespaces), end);
}

const finish = (name: string, made: Fill | Fault, end: number): Read =>
  isFault(made) ? { say: `%${name} cannot be: ${made.say}` } : { part: made, end };

/** `%{name}`, `%{namespace:name}`, `%{vctx_mess:key}`. */
function readBraced(text: string, open: number, namespaces: Namespaces, tools: Tools): Read {
  const close = text.indexOf('}', open);
  if (close < 0) return { say: 'the macro has no end' };
  const whole = text.slice(open + 1, close);
  const missing = { say: `there is no macro "${whole}"` };
  const colon = whole.indexOf(':');
  const end = close + 1;
  if (colon < 0) {
    const specifier = specifierOf(whole, namespaces);
    if (specifier) return specifier.argument === 'needed' ? missing : finish(whole, specifier.make(undefined, tools), end);
    const fill = foreign(whole, namespaces);
    return isFault(fill) ? missing : { part: fill, end };
  }
  const [namespace, name] = [whole.slice(0, colon), whole.slice(colon + 1)];
  const keyed = namespaces.has(OWN_NAMESPACE) ? specifiers.get(namespace) : undefined;
  if (keyed?.argument === 'needed') return finish(namespace, keyed.make(name, tools), end);
  const source = namespaces.get(namespace);
  return source?.names.includes(name) ? { part: fillFrom(source, name), end } : missing;
}

/** Specifiers count where their namespace is searched. */
const specifierOf = (name: string, namespaces: Namespaces): Specifier | undefined =>
  namespaces.has(OWN_NAMESPACE) ? specifiers.get(name) : undefined;

function findLongest(text: string, from: number, namespaces: Namespaces): string | undefined {
  let longest: string | undefined;
  const offer = (name: string): void => {
    if (name.length > (longest?.length ?? 0) && text.startsWith(name, from)) longest = name;
  };
  for (const [namespace, source] of namespaces)
    for (const name of namespace === OWN_NAMESPACE ? specifiers.keys() : source.names) offer(name);
  return longest;
}

function foreign(name: string, namespaces: Namespaces): Fill | Fault {
  for (const source of namespaces.values()) if (source.names.includes(name)) return fillFrom(source, name);
  return { say: 'no namespace has it' };
}

const fillFrom =
  (source: MacroSource, name: string): Fill =>
  (event) =>
    source.fill(name, event) ?? '';

const wordAt = (text: string, from: number): string => /^\w*/.exec(text.slice(from))?.[0] || text.charAt(from);
