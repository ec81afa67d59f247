/** The domain that stands behind a message: that of its From or Sender field. */
import { domainToASCII } from 'node:url';

/** Deepest nesting of comments that is followed; mail has one. */
const DEEPEST_COMMENT = 20;
const LONGEST_DOMAIN = 255;
const NON_ASCII = /[^\0-\x7f]/;
const U_LABELS = /^[a-z0-9._\u0080-\u{10ffff}-]+$/u;
const DOMAIN = /^(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*$/;

/**
 * The domain of the first mailbox of a From or Sender value, lower case with A-labels; undefined when there is none. Quoted
 * texts and comments are no part of it (RFC 5322 3.4).
 */
export function domainOfMailbox(value: string): string | undefined {
  const bare = stripTexts(value);
  const angle = /<([^<>]*)>/.exec(bare);
  const address = (angle?.[1] ?? bare.split(',', 1)[0] ?? '').replace(/^[^:@]*:/, '').replace(/;.*$/s, '');
  const at = address.lastIndexOf('@');
  return at < 0 ? undefined : toDomain(address.slice(at + 1).trim());
}

/** A domain as it may stand in d= and in the name of a key file: labels only. */
export function toDomain(text: string): string | undefined {
  const lower = text.toLowerCase().replace(/\.$/, '');
  if (lower.length > LONGEST_DOMAIN) return undefined;
  // domainToASCII reads a whole URL authority and drops what follows it: it may only see what can be a label.
  const ascii = NON_ASCII.test(lower) && U_LABELS.test(lower) ? domainToASCII(lower) : lower;
  return ascii.length <= LONGEST_DOMAIN && DOMAIN.test(ascii) ? ascii : undefined;
}

/** The value without quoted strings and comments. */
function stripTexts(value: string): string {
  let out = '';
  let quoted = false;
  let depth = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value.charAt(i);
    if (c === '\\' && (quoted || depth > 0)) i++;
    else if (c === '"' && depth === 0) {
      quoted = !quoted;
      // Something stands here, so that "a"@b keeps a local part.
      out += '_';
    } else if (quoted) continue;
    else if (c === '(') {
      if (++depth > DEEPEST_COMMENT) return '';
    } else if (c === ')' && depth > 0) depth--;
    else if (depth === 0) out += c;
  }
  return out;
}
