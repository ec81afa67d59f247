/** A message with 8-bit content rewritten in 7 bits (RFC 6152 3): each part that needs it becomes quoted-printable or base64. Pure. */

/** Header block (blank line included) and body of a message or of a part. */
export interface Entity {
  readonly headers: Buffer;
  readonly body: Buffer;
}

/** Parts nested deeper, or beyond this number, stay as they are. */
const DEPTH = 100;
const PARTS = 1000;
const BASE64_OCTETS = 57;
const QP_LINE = 76;

const HIGH = /[\x80-\xff]/;
const hasHigh = (text: string): boolean => HIGH.test(text);

/** The same message in 7 bits; header fields keep what they say. What is encoded already is never touched. */
export function toSevenBit({ headers, body }: Entity): Entity {
  const [head, content] = rewrite(headers.toString('latin1'), body.toString('latin1'), { depth: 0, left: PARTS, isTop: true });
  return { headers: Buffer.from(head, 'latin1'), body: Buffer.from(content, 'latin1') };
}

/** Clears the eighth bit of every octet. */
export function stripEighthBit(body: Buffer): Buffer {
  const stripped = Buffer.allocUnsafe(body.length);
  for (let i = 0; i < body.length; i++) stripped[i] = (body[i] ?? 0) & 0x7f;
  return stripped;
}

interface Walk {
  readonly depth: number;
  /** Parts that may still be visited. */
  left: number;
  readonly isTop: boolean;
}

function rewrite(head: string, body: string, walk: Walk): readonly [string, string] {
  if (!hasHigh(body) || walk.depth > DEPTH || walk.left-- <= 0) return [head, body];
  const encoding = (fieldOf(head, 'content-transfer-encoding') ?? '7bit')
    .replace(/\([^)]*\)/g, '')
    .trim()
    .toLowerCase();
  const type = fieldOf(head, 'content-type');
  const kind = (type?.split(';', 1)[0] ?? 'text/plain').trim().toLowerCase();
  // Something else than it says it is: whatever we did would only make it worse.
  if (!['7bit', '8bit', 'binary', ''].includes(encoding)) return [head, body];
  if (kind.startsWith('multipart/')) {
    const boundary = boundaryOf(type ?? '');
    return boundary === undefined ? [head, body] : [withEncoding(head, '7bit'), rewriteParts(body, boundary, kind, walk)];
  }
  if (kind === 'message/rfc822' || kind === 'message/global') {
    const [inner, rest] = splitEntity(body);
    const inside: Walk = { depth: walk.depth + 1, left: walk.left, isTop: true };
    const [newHead, newBody] = rewrite(inner, rest, inside);
    walk.left = inside.left;
    return [withEncoding(head, '7bit'), newHead + newBody];
  }
  const isText = kind.startsWith('text/');
  let named = head;
  if (walk.isTop && fieldOf(head, 'mime-version') === undefined) named = addField(named, 'MIME-Version: 1.0');
  if (type === undefined) named = addField(named, `Content-Type: text/plain; charset=${isUtf8(body) ? 'utf-8' : 'unknown-8bit'}`);
  return [withEncoding(named, isText ? 'quoted-printable' : 'base64'), isText ? encodeQuoted(body) : encodeBase64(body)];
}

/** Part by part; what stands before the first and behind the last is nobody's text and only loses its high bits. */
function rewriteParts(body: string, boundary: string, kind: string, walk: Walk): string {
  const mark = `--${boundary}`;
  let out = '';
  /** Where the part begins whose end is looked for; −1 in the preamble, −2 behind the last part. */
  let from = -1;
  let at = 0;
  let kept = 0;
  while (at < body.length) {
    const lineEnd = body.indexOf('\n', at);
    const next = lineEnd < 0 ? body.length : lineEnd + 1;
    if (from !== -2 && body.startsWith(mark, at)) {
      const tail = body.slice(at + mark.length, next);
      if (/^(?:--)?[ \t]*\r?\n?$/.test(tail)) {
        // The line end before the delimiter is part of it.
        const partEnd = from < 0 ? at : endBefore(body, at, from);
        out += from < 0 ? blank(body.slice(kept, partEnd)) : rewritePart(body.slice(from, partEnd), kind, walk);
        out += body.slice(partEnd, next);
        kept = next;
        from = tail.startsWith('--') ? -2 : next;
      }
    }
    at = next;
  }
  const rest = body.slice(kept);
  return out + (from >= 0 ? rewritePart(rest, kind, walk) : blank(rest));
}

function endBefore(body: string, at: number, from: number): number {
  if (at - 2 >= from && body.startsWith('\r\n', at - 2)) return at - 2;
  return at;
}

function rewritePart(part: string, kind: string, walk: Walk): string {
  const [head, body] = splitEntity(part);
  // RFC 2046 5.1.5: parts of a digest are messages unless they say otherwise.
  const inside: Walk = { depth: walk.depth + 1, left: walk.left, isTop: false };
  const isDigest = kind === 'multipart/digest' && fieldOf(head, 'content-type') === undefined;
  const named = isDigest && hasHigh(body) ? addField(head, 'Content-Type: message/rfc822') : head;
  const [newHead, newBody] = rewrite(named, body, inside);
  walk.left = inside.left;
  return newHead + newBody;
}

const blank = (text: string): string => text.replace(/[\x80-\xff]/g, '?');

/** Header block with its blank line, and what follows. */
function splitEntity(text: string): readonly [string, string] {
  if (text.startsWith('\r\n')) return ['\r\n', text.slice(2)];
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? [text, ''] : [text.slice(0, end + 4), text.slice(end + 4)];
}

/** The value of the first field of this name, unfolded. */
function fieldOf(head: string, name: string): string | undefined {
  const found = new RegExp(`^${name}[ \\t]*:((?:[^\\n]|\\n[ \\t])*)`, 'im').exec(head);
  return found?.[1]?.replace(/\r?\n[ \t]/g, ' ').trim();
}

function boundaryOf(type: string): string | undefined {
  const found = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(type);
  const boundary = found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2];
  return boundary === undefined || boundary === '' ? undefined : boundary;
}

function withEncoding(head: string, encoding: string): string {
  const field = /^content-transfer-encoding[ \t]*:(?:[^\n]|\n[ \t])*\n/im;
  if (field.test(head)) return head.replace(field, `Content-Transfer-Encoding: ${encoding}\r\n`);
  return encoding === '7bit' ? head : addField(head, `Content-Transfer-Encoding: ${encoding}`);
}

/** Before the blank line. */
function addField(head: string, field: string): string {
  if (head.endsWith('\r\n\r\n') || head === '\r\n') return `${head.slice(0, -2)}${field}\r\n\r\n`;
  return `${head}${head === '' || head.endsWith('\n') ? '' : '\r\n'}${field}\r\n\r\n`;
}

const isUtf8 = (text: string): boolean => {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'));
    return true;
  } catch {
    return false;
  }
};

function encodeBase64(body: string): string {
  const bytes = Buffer.from(body, 'latin1');
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BASE64_OCTETS) lines.push(bytes.toString('base64', at, at + BASE64_OCTETS));
  return `${lines.join('\r\n')}\r\n`;
}

/** RFC 2045 6.7. */
function encodeQuoted(body: string): string {
  return body.split('\r\n').map(encodeLine).join('\r\n');
}

function encodeLine(line: string): string {
  let out = '';
  let width = 0;
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    const isLast = i === line.length - 1;
    const isPlain = (code > 0x20 && code < 0x7f && code !== 0x3d) || ((code === 0x20 || code === 0x09) && !isLast);
    const word = isPlain ? (line[i] ?? '') : `=${code < 16 ? '0' : ''}${code.toString(16).toUpperCase()}`;
    // Room for the soft break, which the last character of a line does not need.
    if (width + word.length > (isLast ? QP_LINE : QP_LINE - 1)) {
      out += '=\r\n';
      width = 0;
    }
    out += word;
    width += word.length;
  }
  return out;
}
