/** What the sink prints of a message: one line, and with `show` its subject and parts. */
import { simpleParser } from 'mailparser';
import type { Received } from './sink.js';

const MOST_SHOWN_RECIPIENTS = 5;
const LARGEST_SHOWN_BYTES = 10 * 1024 * 1024;

/** `1 from <a@example.com> to <b@example.net> 812 bytes`; a long list of recipients is cut and counted. */
export function printLine(number: number, { from, to, size, secure }: Received): string {
  const shown = to.slice(0, MOST_SHOWN_RECIPIENTS).map((address) => `<${address}>`);
  const more = to.length > shown.length ? ` and ${to.length - shown.length} more` : '';
  return `${number} from <${from}> to ${shown.join(', ')}${more} ${size} bytes${secure ? ' TLS' : ''}`;
}

/** Subject, sender and parts, indented below the line; a message that cannot be read says so. */
export async function printParts({ raw }: Received): Promise<string[]> {
  if (raw.length > LARGEST_SHOWN_BYTES) return ['  too large to show'];
  try {
    const mail = await simpleParser(raw, { skipImageLinks: true, skipTextToHtml: true });
    const lines = [`  Subject: ${clean(mail.subject ?? '(none)')}`, `  From: ${clean(mail.from?.text ?? '(none)')}`];
    if (mail.text !== undefined) lines.push(`  text/plain, ${mail.text.length} characters: ${clean(mail.text.slice(0, 60))}`);
    if (typeof mail.html === 'string') lines.push(`  text/html, ${mail.html.length} characters`);
    for (const part of mail.attachments)
      lines.push(`  ${clean(part.contentType)}, ${part.size} bytes${part.filename ? `: ${clean(part.filename)}` : ''}`);
    return lines;
  } catch (error) {
    return [`  not readable as MIME: ${clean(error instanceof Error ? error.message : String(error))}`];
  }
}

// What a stranger wrote goes to a terminal: no control characters.
const clean = (text: string): string => text.replace(/[\p{Cc}]+/gu, ' ').trim();
