/**
 * What `tell` handlers are given, as plain data that another process can be sent, and back. Bodies stay behind: who asks to be told
 * once learns a body's size, not its octets.
 */
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { Copy } from './copy.js';
import type { Body, Reception } from './message.js';
import type { Place } from './place.js';
import type { Session } from './session.js';

/** Deeper than anything that is told. */
const DEEPEST = 12;

/** Marks what stands for an object of a class. */
const KIND = '~kind';

type Plain = Readonly<Record<string, unknown>>;

const isSession = (x: object): x is Session => 'peer' in x && 'phase' in x && 'listener' in x;

/** Octets, numbers, texts, lists and maps of them: nothing with methods of its own. */
export function pack(value: unknown, depth = 0): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  if (depth > DEEPEST) return undefined;
  if (Array.isArray(value)) return value.map((each) => pack(each, depth + 1));
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, pack(each, depth + 1)]));
  if (value instanceof Set) return new Set(value);
  if (value instanceof Address) return { [KIND]: 'address', local: value.local, domain: value.domain };
  if (value instanceof Facts) return { [KIND]: 'facts', pairs: [...value] };
  if (value instanceof Headers) return { [KIND]: 'headers', bytes: value.bytes() };
  if (value instanceof Copy) return { [KIND]: 'mail', ...packFields(value, depth), content: packBody(value.content) };
  if (isSession(value)) return { [KIND]: 'session', ...packSession(value, depth) };
  return packFields(value, depth);
}

function packFields(value: object, depth: number): Plain {
  const fields: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) if (name !== 'content') fields[name] = pack(each, depth + 1);
  return fields;
}

const packBody = ({ size, dots, eightBit }: Body): Plain => ({ size, dots, eightBit });

/** A session is more than its fields: most are worked out when they are asked for. */
function packSession(session: Session, depth: number): Plain {
  const { id, peer, local, listener, pathway, pathwayGroup, helo, protocol, tls, user, facts, phase, banner, extensions } = session;
  const { stanza } = session as { readonly stanza?: string };
  return packFields(
    { id, peer, local, listener, stanza, pathway, pathwayGroup, helo, protocol, tls, user, facts, phase, banner, extensions },
    depth,
  );
}

/** The objects again. `inbound` finds the options of a session in this process. */
export function unpack(value: unknown, inbound: (session: Session) => Session['options']): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  const open = (each: unknown): unknown => unpack(each, inbound);
  if (Array.isArray(value)) return value.map(open);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, open(each)]));
  if (value instanceof Set) return value;
  const { [KIND]: kind, ...rest } = value as Plain;
  const fields = Object.fromEntries(Object.entries(rest).map(([name, each]) => [name, open(each)]));
  switch (kind) {
    case 'address':
      return new Address(String(fields.local), String(fields.domain));
    case 'facts':
      return makeFacts(fields.pairs as readonly (readonly [string, string])[]);
    case 'headers':
      return new Headers(Buffer.from(fields.bytes as Uint8Array));
    case 'mail':
      return makeMail(fields);
    case 'session':
      return makeSession(fields, inbound);
    default:
      return fields;
  }
}

function makeFacts(pairs: readonly (readonly [string, string])[]): Facts {
  const facts = new Facts();
  for (const [key, value] of pairs) facts.set(key, value);
  return facts;
}

/** The fields are those that `pack` took from a Copy. */
function makeMail(fields: Plain): Copy {
  const { id, reception, recipients, headers, facts, content, place, ...rest } = fields as Plain & { readonly place: Place };
  const body = makeBody(content as Pick<Body, 'size' | 'dots' | 'eightBit'>);
  const mail = new Copy(String(id), reception as Reception, recipients as Address[], headers as Headers, body, facts as Facts);
  // Numbers of places differ from process to process.
  return Object.assign(mail, rest, { place: { ...place, index: -1 } });
}

const makeBody = ({ size, dots, eightBit }: Pick<Body, 'size' | 'dots' | 'eightBit'>): Body => ({
  size,
  dots,
  eightBit,
  resident: undefined,
  file: undefined,
  async *read() {},
});

function makeSession(fields: Plain, inbound: (session: Session) => Session['options']): Session {
  const made: object = { ...fields, signal: AbortSignal.abort(), early: async () => false };
  Object.defineProperty(made, 'options', { enumerable: true, get: () => inbound(session) });
  // All other fields of a session were sent.
  const session = made as Session;
  return session;
}
