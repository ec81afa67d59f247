/** Encoded words of header values (RFC 2047, language tags of RFC 2231) as text. Pure. */
import type { Decoded } from './api.js';
import { readAsMail } from './convert.js';

/** charset, a language that is passed over, encoding, text. */
const WORD = /=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?([^?\s]*)\?=/gi;
const ONLY_BLANKS = /^[ \t\r\n]+$/;

/** The text of a value. Neighbours of one character set are put together before they are read: some split characters between them. */
export function decodeWords(value: string): Decoded {
  if (!value.includes('=?')) return { text: value, unknown: undefined };
  let unknown: string | undefined;
  let text = '';
  let end = 0;
  let run: { charset: string; octets: Buffer[]; raw: string } | undefined;
  const flush = (): void => {
    if (!run) return;
    const decoded = readAsMail(Buffer.concat(run.octets), run.charset);
    if (decoded === undefined) unknown ??= run.charset;
    text += decoded ?? run.raw;
    run = undefined;
  };
  for (const found of value.matchAll(WORD)) {
    const [raw, label = '', encoding = '', content = ''] = found;
    const between = value.slice(end, found.index);
    const charset = label.toLowerCase();
    const octets = encoding.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : decodeQ(content);
    const isNeighbour = run !== undefined && ONLY_BLANKS.test(between);
    if (run && isNeighbour && run.charset === charset) {
      run.octets.push(octets);
      run.raw += between + raw;
    } else {
      flush();
      if (!isNeighbour) text += between;
      run = { charset, octets: [octets], raw };
    }
    end = found.index + raw.length;
  }
  flush();
  return { text: text + value.slice(end), unknown };
}

/** The Q encoding (RFC 2047 4.2); an equals sign without two hexadecimal digits stands for itself. */
function decodeQ(content: string): Buffer {
  const octets = content
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1');
}
