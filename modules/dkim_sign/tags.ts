/** Values of the tags of a signature: DKIM's quoted-printable, and folding that no canonical form minds. */

/** Safe in dkim-quoted-printable (RFC 6376 2.11). */
const UNSAFE = /[^!-:<>-~]/g;

/** Encodes octets given as latin1. */
export const encodeQuoted = (octets: string): string =>
  octets.replace(UNSAFE, (c) => `=${c.charCodeAt(0) < 0x10 ? '0' : ''}${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Copies of fields for z= (RFC 6376 3.5): `name:value|name:value`, each beginning a line. */
export function formatCopies(raws: readonly string[]): string {
  return raws
    .map((raw) => {
      const colon = raw.indexOf(':');
      const value = encodeQuoted(raw.slice(colon + 1).replace(/\r\n$/, '')).replaceAll('|', '=7C');
      return `${raw.slice(0, colon).trimEnd()}:${foldQuoted(value)}`;
    })
    .join('\r\n\t|');
}

const LINE = 74;

/** Folds quoted-printable: blanks may stand anywhere in it but within `=XX`. */
function foldQuoted(text: string): string {
  let folded = '';
  let column = 0;
  for (const piece of text.match(/=[0-9A-F]{2}|[^=]{1,12}/g) ?? []) {
    if (column + piece.length > LINE - 10) {
      folded += '\r\n\t ';
      column = 0;
    }
    folded += piece;
    column += piece.length;
  }
  return folded;
}

/** Folds a list at its colons. */
export function foldNames(names: readonly string[], used: number): string {
  let text = '';
  let column = used;
  for (const [i, name] of names.entries()) {
    const piece = i === names.length - 1 ? name : `${name}:`;
    if (column + piece.length > LINE && i > 0) {
      text += '\r\n\t ';
      column = 9;
    }
    text += piece;
    column += piece.length;
  }
  return text;
}

/** Folds base64, which may have blanks anywhere. */
export function foldBase64(text: string): string {
  let folded = text.slice(0, LINE - 4);
  for (let i = LINE - 4; i < text.length; i += LINE - 2) folded += `\r\n\t ${text.slice(i, i + LINE - 2)}`;
  return folded;
}
