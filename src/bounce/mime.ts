/** Takes a message apart as far as reading a notice needs: bounded in depth, parts and octets, whatever the message claims. Pure. */

export interface Part {
  /** Content type in small letters, without parameters. */
  readonly type: string;
  /** Decoded where it is base64 or quoted-printable. */
  readonly text: string;
}

const DEEPEST = 5;
const MOST_PARTS = 50;
const LONGEST_BOUNDARY = 200;

/** Value of a field in a header block, unfolded; undefined when it is not there. `name` in small letters. */
export function findField(block: string, name: string): string | undefined {
  const lines = block.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const colon = line.indexOf(':');
    if (colon !== name.length || line.slice(0, colon).toLowerCase() !== name) continue;
    let value = line.slice(colon + 1).trim();
    for (let next = lines[i + 1]; next?.startsWith(' ') || next?.startsWith('\t'); next = lines[++i + 1]) value += ` ${next.trim()}`;
    return value;
  }
  return undefined;
}

/** The leaves of a message, in order. */
export function listParts(contentType: string | undefined, encoding: string | undefined, body: string): readonly Part[] {
  const parts: Part[] = [];
  collect(contentType ?? 'text/plain', encoding, body, 0, parts);
  // Its boundary occurs nowhere: what is there is still worth reading.
  return parts.length > 0 ? parts : [{ type: 'text/plain', text: body }];
}

function collect(contentType: string, encoding: string | undefined, body: string, depth: number, into: Part[]): void {
  if (into.length >= MOST_PARTS) return;
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  const boundary = type.startsWith('multipart/') && depth < DEEPEST ? findBoundary(contentType) : undefined;
  if (boundary === undefined) {
    into.push({ type: type === '' ? 'text/plain' : type, text: decode(body, encoding) });
    return;
  }
  for (const section of splitSections(body, boundary)) {
    const { head, rest } = splitHead(section);
    collect(findField(head, 'content-type') ?? 'text/plain', findField(head, 'content-transfer-encoding'), rest, depth + 1, into);
    if (into.length >= MOST_PARTS) return;
  }
}

function findBoundary(contentType: string): string | undefined {
  const found = /boundary\s{0,5}=\s{0,5}(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType.slice(0, 2000));
  const boundary = found?.[1] ?? found?.[2];
  return boundary !== undefined && boundary.length <= LONGEST_BOUNDARY ? boundary : undefined;
}

/** What stands between delimiter lines; the last section ends with the text when its end is missing. */
function splitSections(body: string, boundary: string): readonly string[] {
  const delimiter = `--${boundary}`;
  const sections: string[] = [];
  let start = -1;
  for (let at = body.indexOf(delimiter); at >= 0 && sections.length < MOST_PARTS; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== '\n') continue;
    if (start >= 0) sections.push(body.slice(start, at));
    const line = body.indexOf('\n', at);
    if (body.startsWith('--', at + delimiter.length) || line < 0) return sections;
    start = line + 1;
  }
  if (start >= 0 && sections.length < MOST_PARTS) sections.push(body.slice(start));
  return sections;
}

/** Header block and the rest; a section that begins with an empty line has no headers. */
export function splitHead(section: string): { readonly head: string; readonly rest: string } {
  if (section.startsWith('\n') || section.startsWith('\r\n')) return { head: '', rest: section.slice(section.indexOf('\n') + 1) };
  const end = /\r?\n\r?\n/.exec(section);
  return end ? { head: section.slice(0, end.index), rest: section.slice(end.index + end[0].length) } : { head: section, rest: '' };
}

function decode(body: string, encoding: string | undefined): string {
  const how = encoding?.trim().toLowerCase();
  if (how === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return how === 'quoted-printable' ? decodeQuoted(body) : body;
}

function decodeQuoted(body: string): string {
  const octets = Buffer.from(body.replace(/=[ \t]{0,10}\r?\n/g, ''), 'utf8').toString('latin1');
  const plain = octets.replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1').toString('utf8');
}
