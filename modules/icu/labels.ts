/** Names of character sets as mail writes them, to the names the conversion knows. Pure. */
import iconv from 'iconv-lite';

export type Label = Parameters<typeof iconv.decode>[1];

/** How octets of a label are converted: by our own rules, or by a table of iconv-lite. */
export type Way = { readonly own: 'utf-7' | 'iso-2022-jp' } | { readonly table: Label };

/** What only resembles a character set in the list of iconv-lite. */
const NO_CHARSETS: ReadonlySet<string> = new Set(['base64', 'hex', 'binary', 'ascii8bit', 'cesu8', 'internal', 'utf7imap', 'singlebyte']);

const OTHER_NAMES: Readonly<Record<string, string>> = {
  unicode11utf7: 'utf7',
  unicode11utf8: 'utf8',
  unicode20utf8: 'utf8',
  ansix341968: 'ascii',
  '646': 'ascii',
  iso88598i: 'iso88598',
  iso88598e: 'iso88598',
  iso88596i: 'iso88596',
  iso88596e: 'iso88596',
  macroman: 'macintosh',
  maccyrillicukrainian: 'macukraine',
  cp50220: 'iso2022jp',
  cp50221: 'iso2022jp',
  cp50222: 'iso2022jp',
  csiso2022jp: 'iso2022jp',
  cp65000: 'utf7',
  cp65001: 'utf8',
  cp51932: 'eucjp',
  ms932: 'cp932',
  ms936: 'cp936',
  ms949: 'cp949',
  ms950: 'cp950',
  uhc: 'cp949',
  cp1361: '',
};

/** Labels are short; longer ones name nothing. */
const LONGEST_LABEL = 60;
/** Labels come from peers: so many answers are remembered. */
const MOST_REMEMBERED = 500;
const remembered = new Map<string, Way | undefined>();

/** The way of a label; undefined when nobody knows it. */
export function findWay(label: string): Way | undefined {
  if (remembered.has(label)) return remembered.get(label);
  const way = label.length > LONGEST_LABEL ? undefined : lookUp(label);
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(label, way);
  return way;
}

function lookUp(label: string): Way | undefined {
  const bare = canonical(label);
  for (const name of [bare, bare.replace(/^x(?=[a-z])/, ''), bare.replace(/^(?:cp|windows|ibm)(?=\d)/, 'cp')]) {
    const known = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : name;
    if (known === 'utf7') return { own: 'utf-7' };
    if (known === 'iso2022jp') return { own: 'iso-2022-jp' };
    if (known && !NO_CHARSETS.has(known) && iconv.encodingExists(known)) return { table: known };
  }
  return undefined;
}

/** Case, blanks and punctuation do not count, nor does a year behind a colon (`ISO_8859-1:1987`). */
const canonical = (label: string): string =>
  label
    .toLowerCase()
    .replace(/:\d{4}$/, '')
    .replace(/[^0-9a-z]/g, '');
