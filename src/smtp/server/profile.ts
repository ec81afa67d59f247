/** What the options of a client come to for its sessions, worked out once for all sessions that share them. */
import type { InboundValues } from '../../config/snapshot.js';
import type { Offers } from './params.js';
import { type Phrase, phrase } from './words.js';

/** Extensions of the engine in the order of its EHLO answer. */
const OWN = ['PIPELINING', '8BITMIME', 'SIZE', 'ENHANCEDSTATUSCODES', 'SMTPUTF8', 'CHUNKING', 'DSN', 'STARTTLS'] as const;

/** Always offered (core.md 2.3). */
const ALWAYS = new Set<string>(['PIPELINING', '8BITMIME']);

export class Profile {
  readonly options: InboundValues;
  /** Keyword to parameters; STARTTLS only while it can be used. */
  readonly #clear: ReadonlyMap<string, string>;
  readonly #secure: ReadonlyMap<string, string>;
  readonly #clearText: string;
  readonly #secureText: string;
  readonly offers: Offers;
  readonly chunking: boolean;

  /** Our name towards these clients. */
  readonly hostname: string;
  readonly goodbye: Phrase;

  constructor(options: InboundValues, hasCertificate: boolean, hostname: string) {
    this.options = options;
    this.hostname = options.banner_hostname ?? hostname;
    this.goodbye = phrase(221, '2.3.0', `${this.hostname} closing connection`);
    this.#secure = keywords(options, false);
    this.#clear = keywords(options, hasCertificate);
    this.#clearText = renderKeywords(this.#clear);
    this.#secureText = renderKeywords(this.#secure);
    this.offers = {
      size: this.#secure.has('SIZE'),
      eightBitMime: true,
      smtpUtf8: this.#secure.has('SMTPUTF8'),
      dsn: this.#secure.has('DSN'),
      auth: false,
    };
    this.chunking = this.#secure.has('CHUNKING');
  }

  /** Keyword lines of the EHLO answer, parted by line feeds. */
  keywordText(secure: boolean): string {
    return secure ? this.#secureText : this.#clearText;
  }

  keywords(secure: boolean): ReadonlyMap<string, string> {
    return secure ? this.#secure : this.#clear;
  }

  offersStartTls(secure: boolean): boolean {
    return !secure && this.#clear.has('STARTTLS');
  }
}

/** `smtp_extensions` unset: all that can work. Set: the two that are always there and exactly the list. SIZE 0 means no limit (RFC 1870). */
function keywords(options: InboundValues, startTls: boolean): ReadonlyMap<string, string> {
  const wanted = options.smtp_extensions && new Set(options.smtp_extensions.map((item) => (item.split(/[ =]/)[0] ?? '').toUpperCase()));
  const chosen = new Map<string, string>();
  for (const name of OWN) {
    if (name === 'STARTTLS' && !startTls) continue;
    if (wanted && !ALWAYS.has(name) && !wanted.has(name)) continue;
    chosen.set(name, name === 'SIZE' ? String(options.max_message_size) : '');
  }
  return chosen;
}

/** The keyword lines of an EHLO answer, parted by line feeds. */
export function renderKeywords(words: ReadonlyMap<string, string>): string {
  return [...words].map(([name, parameters]) => (parameters === '' ? name : `${name} ${parameters}`)).join('\n');
}
