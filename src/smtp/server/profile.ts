/** What the options of a client come to for its sessions, worked out once for all sessions that share them. */
import type { InboundValues } from '../../config/snapshot.js';
import type { Offers } from './params.js';
import { TRUSTED_EXTENSIONS } from './told.js';
import { type Phrase, phrase } from './words.js';

/** Extensions of the engine in the order of its EHLO answer. */
const OWN = ['PIPELINING', '8BITMIME', 'SIZE', 'ENHANCEDSTATUSCODES', 'SMTPUTF8', 'CHUNKING', 'BINARYMIME', 'DSN', 'STARTTLS'] as const;

/** Always offered. */
const ALWAYS = new Set<string>(['PIPELINING', '8BITMIME']);

/** RFC 4954 4: lines of an exchange. */
const LONGEST_AUTH_LINE = 12_288;

export class Profile {
  readonly options: InboundValues;
  /** Keyword to parameters; STARTTLS only while it can be used. */
  readonly #clear: ReadonlyMap<string, string>;
  readonly #secure: ReadonlyMap<string, string>;
  readonly #clearText: string;
  readonly #secureText: string;
  /** In clear, for clients on this machine. */
  readonly #secureOffers: Offers;
  readonly #near: ReadonlyMap<string, string>;
  readonly #nearText: string;
  /** Clients can log in, if not in clear. */
  readonly authenticates: boolean;
  /** Octets a command line may have, and those of AUTH among them. */
  readonly longestLine: number;
  readonly #offers: Offers;
  readonly chunking: boolean;
  /** Extensions by which these clients may speak for others. */
  readonly trusted: ReadonlySet<string>;

  /** Our name towards these clients. */
  readonly hostname: string;
  readonly goodbye: Phrase;

  /** `mechanisms`: those that could be used. */
  constructor(options: InboundValues, hasCertificate: boolean, hostname: string, mechanisms: readonly string[] = []) {
    this.options = options;
    this.hostname = options.banner_hostname ?? hostname;
    this.goodbye = phrase(221, '2.3.0', `${this.hostname} closing connection`);
    const secure = chooseMechanisms(options, mechanisms);
    const near = secure.filter((name) => !name.endsWith('-PLUS'));
    const clear = options.auth_without_tls ? near : [];
    this.authenticates = secure.length > 0;
    this.longestLine = Math.max(options.max_command_bytes, this.authenticates ? LONGEST_AUTH_LINE : 0);
    this.#secure = withRequireTls(keywords(options, false, secure), options);
    this.#clear = keywords(options, hasCertificate, clear);
    this.#near = keywords(options, hasCertificate, near);
    this.#nearText = renderKeywords(this.#near);
    this.#clearText = renderKeywords(this.#clear);
    this.#secureText = renderKeywords(this.#secure);
    this.#offers = {
      size: this.#secure.has('SIZE'),
      eightBitMime: true,
      binaryMime: this.#secure.has('BINARYMIME'),
      smtpUtf8: this.#secure.has('SMTPUTF8'),
      dsn: this.#secure.has('DSN'),
      auth: this.authenticates,
      futureRelease: this.#secure.has('FUTURERELEASE'),
      deliverBy: this.#secure.has('DELIVERBY'),
      mtPriority: this.#secure.has('MT-PRIORITY'),
      requireTls: false,
    };
    this.#secureOffers = { ...this.#offers, requireTls: this.#secure.has('REQUIRETLS') };
    this.chunking = this.#secure.has('CHUNKING');
    this.trusted = new Set([...TRUSTED_EXTENSIONS.keys()].filter((name) => this.#secure.has(name)));
  }

  /** What parameters may be used in a session. */
  offers(secure: boolean): Offers {
    return secure ? this.#secureOffers : this.#offers;
  }

  /** Keyword lines of the EHLO answer, parted by line feeds. */
  keywordText(secure: boolean, isNear: boolean): string {
    return secure ? this.#secureText : isNear ? this.#nearText : this.#clearText;
  }

  keywords(secure: boolean, isNear: boolean): ReadonlyMap<string, string> {
    return secure ? this.#secure : isNear ? this.#near : this.#clear;
  }

  offersStartTls(secure: boolean): boolean {
    return !secure && this.#clear.has('STARTTLS');
  }
}

/** `smtp_extensions` unset: all that can work. Set: the two that are always there and exactly the list. SIZE 0 means no limit (RFC 1870). */
function keywords(options: InboundValues, startTls: boolean, mechanisms: readonly string[]): ReadonlyMap<string, string> {
  const wanted = options.smtp_extensions && new Set(options.smtp_extensions.map((item) => (item.split(/[ =]/)[0] ?? '').toUpperCase()));
  const chosen = new Map<string, string>();
  for (const name of OWN) {
    if (name === 'STARTTLS' && !startTls) continue;
    // It comes in chunks or not at all (RFC 3030 3).
    if (name === 'BINARYMIME' && !chosen.has('CHUNKING')) continue;
    if (wanted && !ALWAYS.has(name) && !wanted.has(name)) continue;
    chosen.set(name, name === 'SIZE' ? String(options.max_message_size) : '');
  }
  const offer = (name: string, parameters: string): void => {
    if (!wanted || wanted.has(name)) chosen.set(name, parameters);
  };
  offer('MT-PRIORITY', '');
  offer('DELIVERBY', options.deliverby_minimum > 0 ? String(options.deliverby_minimum) : '');
  const { max_future_release: latest, max_recipients_per_message: recipients, max_receptions_per_connection: mails } = options;
  // RFC 4865 4: the interval, and a moment no interval reaches.
  if (latest > 0) offer('FUTURERELEASE', `${latest} 9999-12-31T23:59:59Z`);
  const limits = [...(mails > 0 ? [`MAILMAX=${mails}`] : []), ...(recipients > 0 ? [`RCPTMAX=${recipients}`] : [])];
  if (limits.length > 0) offer('LIMITS', limits.join(' '));
  if (wanted) for (const [name, parameters] of TRUSTED_EXTENSIONS) if (wanted.has(name)) chosen.set(name, parameters);
  if (mechanisms.length > 0) chosen.set('AUTH', mechanisms.join(' '));
  return chosen;
}

/** RFC 8689 2: offered in encrypted sessions only. */
function withRequireTls(words: ReadonlyMap<string, string>, { smtp_extensions: wanted }: InboundValues): ReadonlyMap<string, string> {
  const isWanted = wanted?.some((item) => item.toUpperCase() === 'REQUIRETLS') ?? true;
  return isWanted ? new Map([...words, ['REQUIRETLS', '']]) : words;
}

/** Of the mechanisms that could be used, those that smtp_extensions names: `AUTH` alone names all, without the option all are offered. */
function chooseMechanisms(options: InboundValues, mechanisms: readonly string[]): readonly string[] {
  if (!options.smtp_extensions) return mechanisms;
  const lists = options.smtp_extensions.filter((item) => /^AUTH(?:[ =]|$)/i.test(item)).map((item) => item.slice(5).trim().toUpperCase());
  if (lists.includes('')) return mechanisms;
  const named = new Set(lists.flatMap((list) => list.split(/[ =,]+/)));
  return mechanisms.filter((name) => named.has(name));
}

/** The keyword lines of an EHLO answer, parted by line feeds. AUTH stands there twice: some clients know only the form from before RFC 2554. */
export function renderKeywords(words: ReadonlyMap<string, string>): string {
  const lines = [...words].map(([name, parameters]) => (parameters === '' ? name : `${name} ${parameters}`));
  const mechanisms = words.get('AUTH');
  return [...lines, ...(mechanisms ? [`AUTH=${mechanisms}`] : [])].join('\n');
}

/** A client on this machine: a unix socket or a loopback address. */
export const isLoopback = (ip: string): boolean => ip === '' || ip === '::1' || ip.startsWith('127.');
