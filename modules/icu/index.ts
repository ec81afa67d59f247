/** icu: converts character sets for the core's logs and other modules, and marks messages that name one nobody knows. */
import { domainToASCII, domainToUnicode } from 'node:url';
import { defineModule } from '#module';
import { type Charsets, Icu } from './api.js';
import { fromUtf8, readAsMail, toUtf8 } from './convert.js';
import { decodeWords } from './encoded-words.js';
import { findWay } from './labels.js';
import { findUnknown } from './unknown.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const charsets: Charsets = {
  toUtf8,
  fromUtf8,
  knows: (charset) => findWay(charset) !== undefined,
  decodeWords,
  decodeValue(bytes, assumed) {
    let text: string;
    try {
      text = strict.decode(bytes);
    } catch {
      const read = readAsMail(bytes, assumed);
      if (read === undefined) return { text: Buffer.from(bytes).toString('utf8'), unknown: assumed };
      text = read;
    }
    return decodeWords(text);
  },
  toAscii: (domain) => domainToASCII(domain) || undefined,
  toUnicode: (domain) => domainToUnicode(domain) || domain,
};

export default defineModule({
  name: 'icu',
  summary: 'Charset conversion for logs and other modules.',
  singleton: true,
  autoload: true,
  options: {},
  register(ctx) {
    ctx.provide(Icu, charsets);
    ctx.on(
      'spool_message',
      (draft) => {
        const unknown = findUnknown(draft.headers);
        if (unknown !== undefined) draft.facts.set('icu_error', `unknown charset ${unknown}`);
        return undefined;
      },
      { order: 'first' },
    );
  },
});
