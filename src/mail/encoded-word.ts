/** Text beyond ASCII in header fields (RFC 2047): encoded words of UTF-8, none longer than 75 octets, folded between. */

/** ASCII that may stand in unstructured text as it is, and does not look like an encoded word. */
const PLAIN = /^(?!.*=\?)[ -~]*$/s;
/** Octets of UTF-8 that fit into one word: 75 less `=?utf-8?B?` and `?=`, in groups of three. */
const WORD_OCTETS = 45;
/** Characters of an atom, and blanks: a display name of these needs no quotes. */
const ATOMS = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]*$/;

/** Text of a field such as Subject. */
export function encodeText(text: string): string {
  return PLAIN.test(text) ? text : encodeWords(text);
}

/** `Name <address>`: the name is quoted or encoded where it needs it. An address without a name stays as it is. */
export function encodeMailbox(text: string): string {
  const named = /^(.*?)\s*<([^<>]*)>\s*$/s.exec(text);
  if (!named?.[1]) return text;
  const quoted = /^"(.*)"$/s.exec(named[1]);
  const name = quoted ? (quoted[1] ?? '').replace(/\\(.)/gs, '$1') : named[1];
  const written = !PLAIN.test(name) ? encodeWords(name) : ATOMS.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
  return `${written} <${named[2]}>`;
}

function encodeWords(text: string): string {
  const words: string[] = [];
  let word = '';
  let octets = 0;
  for (const char of text) {
    const size = Buffer.byteLength(char);
    if (octets + size > WORD_OCTETS) {
      words.push(word);
      word = '';
      octets = 0;
    }
    word += char;
    octets += size;
  }
  words.push(word);
  return words.map((part) => `=?utf-8?B?${Buffer.from(part, 'utf8').toString('base64')}?=`).join('\r\n ');
}
