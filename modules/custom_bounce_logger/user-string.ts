/** The text at the end of a line: words and `%{macros}`, read once and filled in for each message. Pure. */
import type { Address, Message } from '#module';

export type Fill = (message: Message) => string;

/** A part of the text, or why there is none. */
export type Reading = { readonly fill: Fill } | { readonly say: string };

const nameOf = (address: Address | null): string => (address ? String(address) : '');

const MACROS: Readonly<Record<string, Fill>> = {
  rcptto: (message) => String(message.recipient),
  rcptto_localpart: (message) => message.recipient.local,
  rcptto_domain: (message) => message.recipient.domain,
  mailfrom: (message) => nameOf(message.sender),
  mailfrom_localpart: (message) => message.sender?.local ?? '',
  mailfrom_domain: (message) => message.sender?.domain ?? '',
  message_id: (message) => message.id,
  batch_id: (message) => message.reception.batchId,
  ehlo_string: (message) => message.reception.helo ?? '',
  ehlo_domain: (message) => message.reception.helo ?? '',
  source_ip: (message) => message.reception.source?.ip ?? '',
};

const NAMESPACES: Readonly<Record<string, (key: string) => Fill>> = {
  vctx_mess: (key) => (message) => message.facts.get(key) ?? '',
  vctx_conn: (key) => (message) => message.reception.facts.get(key) ?? '',
};

/** Field separators and line ends inside a value are escaped: the text stays one field. */
const escapeValue = (value: string): string => value.replace(/[\\@]/g, '\\$&').replace(/\r\n|\r|\n/g, '\\n');

function readMacro(name: string): Fill | undefined {
  const colon = name.indexOf(':');
  if (colon < 0) return Object.hasOwn(MACROS, name) ? MACROS[name] : undefined;
  const namespace = name.slice(0, colon);
  const key = name.slice(colon + 1);
  return key !== '' && Object.hasOwn(NAMESPACES, namespace) ? NAMESPACES[namespace]?.(key) : undefined;
}

/** Reads a text. What has no value is empty; a macro that does not exist is an error with its place. */
export function readUserString(text: string): Reading {
  const parts: Fill[] = [];
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf('%{', at);
    const words = text.slice(at, start < 0 ? text.length : start);
    if (words !== '') parts.push(() => words);
    if (start < 0) break;
    const end = text.indexOf('}', start);
    if (end < 0) return { say: `the macro at ${start + 1} has no end` };
    const name = text.slice(start + 2, end);
    const fill = readMacro(name);
    if (!fill) {
      const known = [...Object.keys(MACROS), ...Object.keys(NAMESPACES).map((namespace) => `${namespace}:KEY`)].join(', ');
      return { say: `there is no macro "${name}" (at ${start + 1}); there are ${known}` };
    }
    parts.push((message) => escapeValue(fill(message)));
    at = end + 1;
  }
  return { fill: (message) => parts.map((part) => part(message)).join('') };
}
