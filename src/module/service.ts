/** Tokens by which modules reach the core's services and each other's. */
import type { Address } from '../mail/address.js';
import type { MacroBook } from './macros.js';
import type { Mail } from './message.js';
import type { Names } from './names.js';
import type { Place } from './place.js';
import type { ProbeService } from './probe.js';
import type { Endpoint } from './session.js';

/** A named door to something that one side provides and others use. The type parameter says what is behind it. */
export interface Service<T> {
  readonly name: string;
  /** The module that provides it, or "core". */
  readonly module: string;
  /** Types only; never set. */
  readonly '~'?: T;
}

/** What is behind a token. */
export type ServiceOf<S> = S extends Service<infer T> ? T : never;

const core = <T>(name: string): Service<T> => ({ name, module: 'core' });

/** Whole lines to a file or an io scheme; a line is never torn and never waits. */
export interface LineWriter {
  /** Queues one line without its newline; a newline inside becomes a space. */
  line(text: string): void;
  /** Queues text as it is, line ends and all; absent where only whole lines can be written. */
  raw?(text: string): void;
  /** Closes and opens the target again; lines in between wait. */
  reopen(): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Lines that had to be dropped since the target fails. */
  readonly dropped: number;
  /** Characters that are not written yet. */
  readonly waiting?: number;
}

export const Writers: Service<{
  open(uri: string, how: { readonly permissions: number; readonly owner: string }): LineWriter;
}> = core('writers');

/** Macros for formats of one's own, by namespace. */
export const Macros: Service<MacroBook> = core('macros');

/** What the configuration says of a pathway by its name, long after a message came in through it; undefined asks for no pathway. */
export const Pathways: Service<{
  groupOf(pathway: string | undefined): string | undefined;
  /** Character set of what names none (option default_charset). */
  charsetOf(pathway: string | undefined): string;
}> = core('pathways');

/** A message made by us: from a module, the console, an API. */
export interface Made {
  readonly sender: Address | null;
  readonly recipients: readonly Address[];
  /** Header block and body with CRLF line ends. */
  readonly bytes: Uint8Array;
  readonly facts?: Readonly<Record<string, string>>;
}

export const Injection: Service<{
  /** Takes a message through the same hooks as SMTP; resolves when it is durable, with the reply a client would have got and the ids. */
  inject(
    made: Made,
    how: { readonly protocol: 'internal' | 'rest'; readonly signal: AbortSignal },
  ): Promise<{ readonly reply: string; readonly ids: readonly string[] }>;
}> = core('injection');

export const Caches: Service<{
  /** Empties a named cache; answers how many entries went, or undefined when there is no such cache. */
  clear(name: string): number | undefined;
  names(): readonly string[];
}> = core('caches');

/** A rule about the words of a reply. */
export interface BounceRule {
  readonly class: number;
  /** Text that occurs in the reply; `|` stands for any run of characters, case does not count. */
  readonly phrases: readonly string[];
  /** Only for this domain. */
  readonly domain?: string;
}

/** What makes a class. */
export interface BounceVerdict {
  readonly class: number;
  /** The phrase that decided, or the name of what did in its stead. */
  readonly rule: string;
}

export const Bounces: Service<{
  /** Class by the pack in force and the status code. */
  explain(text: string): BounceVerdict;
  /** Name of a class, also of one that was added. */
  nameOf(bounceClass: number): string | undefined;
  /** Adds the name of a class between those of the core; what it answers takes the name back. */
  nameClass(bounceClass: number, name: string): () => void;
  /** Makes rules ready to ask: the first in order that holds. One walk over the text, however many there are. */
  compile(rules: readonly BounceRule[]): (text: string, domain: string) => BounceVerdict | undefined;
  /** Version and size of the pack in force. */
  pack(): { readonly version: number; readonly rules: number };
  /** Replies whose class another pack would change, out of `replies` and the examples of both. Throws what is wrong with the text. */
  compare(pack: string, replies: readonly string[]): readonly { readonly reply: string; readonly before: number; readonly after: number }[];
  /** Puts a pack (the text of a YAML file) in force; what it answers takes it back. Throws what is wrong, and changes nothing then. */
  adopt(pack: string): () => void;
  /** Replies no rule knew, most frequent first. */
  unknown(): readonly { readonly masked: string; readonly last: string; readonly count: number }[];
}> = core('bounces');

/** A mail that waits, as far as the queue's table tells. */
export interface WaitingMail {
  readonly ticket: number;
  readonly place: Place;
  /** Wall milliseconds. */
  readonly receivedAt: number;
}

export const Waiting: Service<{
  /** Everything that waits, a piece at a time: at most `most` rows of the table from `from` on; `next` is undefined at the end. */
  roll(from: number, most: number): { readonly entries: readonly WaitingMail[]; readonly next: number | undefined };
  /** The mail itself; undefined when it does not wait any more. */
  read(ticket: number): Promise<Mail | undefined>;
  /** Sends its sender a notice that it is late, after hook delay_make. Resolves with true when the notice is durable, false when none is due. */
  tellDelay(mail: Mail): Promise<boolean>;
}> = core('waiting');

export const Sockets: Service<{
  /** Addresses and ports that this daemon listens on. */
  listening(): readonly Endpoint[];
}> = core('sockets');

/** Questions to DNS, answered from the daemon's own cache where it knows. */
export const Dns: Service<Names> = core('dns');

/** Questions to other SMTP servers; connections are kept per door and bounded. */
export const Probes: Service<ProbeService> = core('probes');

/** Kernel buffers of a socket in octets. */
export interface SocketBuffers {
  readonly send: number;
  readonly receive: number;
}

export const DnsSockets: Service<{
  /** Buffers to ask for from now on. */
  size(buffers: SocketBuffers): void;
  /** What the kernel gives by itself again, unless somebody else has asked for buffers since. */
  leave(buffers: SocketBuffers): void;
  /** What the kernel gives to a socket of each name server, in the order of resolv.conf. */
  measure(): Promise<readonly (SocketBuffers & { readonly server: string })[]>;
}> = core('dns_sockets');
