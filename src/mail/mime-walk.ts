/**
 * Walks once through a body along its MIME structure (RFC 2046), chunk by chunk and with bounds on everything: says what is odd
 * about the structure, and, when asked, what has to be re-encoded so that no line is too long. The octets stay as they are.
 */
import { NO_CONTENT_TYPE, readContentType } from './content-type.js';
import { Headers } from './headers.js';
import { foldLongLines } from './line-length.js';
import { OctetCount } from './octet-count.js';

const LF = 0x0a;
const CR = 0x0d;
const HYPHEN = 0x2d;
const SPACE = 0x20;
const TAB = 0x09;
const EQUALS = 0x3d;

const DEEPEST = 100;
const MOST_PARTS = 1000;
const LONGEST_BOUNDARY = 2048;
/** Beginning of a line that can decide what it is: two hyphens, a boundary, two more. */
const LINE_HEAD = LONGEST_BOUNDARY + 4;
const LONGEST_PART_HEADER = 65_536;
/** Rewritten headers of parts that are held in memory. */
const MOST_REWRITTEN = 1 << 20;
/** Octets that are searched for a boundary at once. */
const STRETCH = 65_536;
/** Lines between two looks at the clock. */
const STRIDE = 2048;

/** What is odd about a message, for context variable mime_anomaly. */
export type MimeAnomaly = 'depth' | 'parts' | 'boundary' | 'quotes' | 'unterminated' | 'header' | 'time';

/** How the octets of a range are to be written. `qp` and `base64` were identity before; the `rewrap` ones only get line ends. */
export type Way = 'qp' | 'base64' | 'rewrap-qp' | 'rewrap-base64' | 'fold';

/** One change of the body. Edits are in order and do not overlap; what lies between them stays. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly way: Way | Buffer;
}

type Encoding = 'quoted-printable' | 'base64' | '7bit' | '8bit';

/** What the walk found. */
export interface Survey {
  readonly anomalies: readonly MimeAnomaly[];
  readonly edits: readonly Edit[];
  /** What Content-Transfer-Encoding the message itself must name after the edits. */
  readonly encoding: Encoding | undefined;
  /** A line is too long where nothing may be changed (signed parts, unknown encodings), or the structure is beyond all bounds. */
  readonly isHopeless: boolean;
}

export interface WalkSettings {
  /** Lines above this are too long. Infinity: only look at the structure, which is much quicker. */
  readonly longestLine: number;
  /** Parts may be any octets (RFC 3030): only CRLF ends a line, and what no line may hold is re-encoded, too. */
  readonly isBinary?: true;
  /** Asked now and then: whether the walk has taken all the time it may. */
  isLate?(): boolean;
}

const MODE = { header: 0, leaf: 1, aside: 2 } as const;

interface Frame {
  readonly mark: Buffer;
  readonly isDigest: boolean;
  /** Inside of something signed: no octet may change. */
  readonly isSealed: boolean;
  readonly depth: number;
}

interface Leaf {
  /** Where its header begins; -1 for the message itself. */
  readonly headerFrom: number;
  readonly header: Buffer;
  readonly type: string;
  readonly encoding: string;
}

const NO_BYTES = Buffer.alloc(0);
const IDENTITY = new Set(['', '7bit', '8bit', 'binary']);
const EMBEDDED = new Set(['message/rfc822', 'message/news', 'message/global']);

export class MimeWalk {
  readonly #settings: WalkSettings;
  readonly #looksAtLines: boolean;
  readonly #anomalies = new Set<MimeAnomaly>();
  readonly #edits: Edit[] = [];
  readonly #frames: Frame[] = [];
  #encoding: Survey['encoding'];
  #isHopeless = false;
  #isOver = false;
  #rewritten = 0;
  #parts = 0;
  #lines = 0;

  /** Octets before the chunk at hand. */
  #base = 0;
  #lineFrom = 0;
  #partial: Buffer | undefined;
  /** The octet before the chunk at hand. */
  #last = LF;
  readonly #octets = new OctetCount();

  #mode: number = MODE.leaf;
  #regionFrom = 0;
  #isLong = false;
  #escapes = 0;
  #headerLines: Buffer[] = [];
  #headerBytes = 0;
  #leaf: Leaf | undefined;
  #depth = 0;
  #inDigest = false;

  /** `contentType` and `encoding`: the values in the message's own header. */
  constructor(contentType: string | undefined, encoding: string | undefined, settings: WalkSettings) {
    this.#settings = settings;
    this.#looksAtLines = Number.isFinite(settings.longestLine);
    this.#begin(-1, NO_BYTES, contentType, encoding, 0);
  }

  /** Whether the body can tell anything: it has parts, or its lines matter. */
  get wantsBody(): boolean {
    return this.#looksAtLines || this.#mode !== MODE.leaf;
  }

  /** Takes a chunk. False: nothing more is wanted, the rest need not be read. */
  push(chunk: Buffer): boolean {
    const n = chunk.length;
    let at = 0;
    while (at < n && !this.#isOver) {
      if (!this.#looksAtLines && this.#mode !== MODE.header && !this.#partial) {
        at = this.#frames.length === 0 ? n : this.#skip(chunk, at);
        if (at >= n || this.#isOver) break;
      }
      const lf = this.#findLineFeed(chunk, at);
      const end = lf < 0 ? n : lf + 1;
      if (this.#looksAtLines && this.#mode === MODE.leaf) {
        if (this.#settings.isBinary) this.#octets.add(chunk, at, end, this.#last);
        else this.#countEscapes(chunk, at, end);
      }
      if (lf < 0) {
        this.#keepPartial(chunk.subarray(at));
        break;
      }
      const head = this.#partial;
      this.#partial = undefined;
      this.#takeLine(head ? Buffer.concat([head, chunk.subarray(at, end)]) : chunk, head ? 0 : at, this.#base + end);
      this.#lineFrom = this.#base + end;
      at = end;
      if (++this.#lines % STRIDE === 0 && this.#settings.isLate?.()) this.#giveUp('time');
    }
    this.#base += n;
    if (n > 0) this.#last = chunk[n - 1] as number;
    return !this.#isOver;
  }

  finish(): Survey {
    if (!this.#isOver) {
      const total = this.#base;
      const isOpen = this.#partial !== undefined;
      if (this.#partial) this.#takeLine(this.#partial, 0, total);
      this.#endRegion(total, total, isOpen);
      if (this.#frames.length > 0) this.#anomalies.add('unterminated');
    }
    const { longestLine } = this.#settings;
    return {
      anomalies: [...this.#anomalies],
      edits: this.#isHopeless || longestLine === Number.POSITIVE_INFINITY ? [] : this.#edits,
      encoding: this.#encoding,
      isHopeless: this.#isHopeless,
    };
  }

  /** To the next line that could be a boundary; the last line of the chunk is looked at again with what follows it. */
  #skip(chunk: Buffer, at: number): number {
    if (chunk[at] === HYPHEN && (at + 1 >= chunk.length || chunk[at + 1] === HYPHEN)) return at;
    const stretch = chunk.subarray(at, at + STRETCH);
    const next = stretch.indexOf('\n--', 0, 'latin1');
    const start = at + (next >= 0 ? next : stretch.lastIndexOf(LF)) + 1;
    if (next < 0 && this.#settings.isLate?.()) this.#giveUp('time');
    if (start > at) {
      this.#lineFrom = this.#base + start;
      return start;
    }
    return at;
  }

  #findLineFeed(chunk: Buffer, at: number): number {
    let lf = chunk.indexOf(LF, at);
    if (!this.#settings.isBinary) return lf;
    while (lf >= 0 && (lf > 0 ? chunk[lf - 1] : this.#last) !== CR) lf = chunk.indexOf(LF, lf + 1);
    return lf;
  }

  #countEscapes(chunk: Buffer, from: number, to: number): void {
    let count = 0;
    for (let i = from; i < to; i++) {
      const octet = chunk[i] as number;
      if (octet > 0x7e || octet === EQUALS || (octet < SPACE && octet !== TAB && octet !== CR && octet !== LF)) count++;
    }
    this.#escapes += count;
  }

  #keepPartial(piece: Buffer) {
    const held = this.#partial?.length ?? 0;
    const most = this.#mode === MODE.header ? LONGEST_PART_HEADER : LINE_HEAD;
    if (held >= most) return this.#mode === MODE.header ? this.#giveUp('header') : undefined;
    this.#partial = this.#partial
      ? Buffer.concat([this.#partial, piece.subarray(0, most - held + 1)])
      : Buffer.from(piece.subarray(0, most + 1));
  }

  /** A line is complete; `bytes` holds it at `at`, or as much of it as is kept. */
  #takeLine(bytes: Buffer, at: number, end: number) {
    const from = this.#lineFrom;
    if (bytes[at] === HYPHEN && bytes[at + 1] === HYPHEN && this.#meetsBoundary(bytes, at, from, end)) return;
    const length = end - from;
    if (this.#mode === MODE.header) {
      const line = bytes.subarray(at, at + length);
      if (length <= 2 && (line[0] === CR || line[0] === LF)) return this.#endHeader(line, end);
      this.#headerBytes += length;
      if (this.#headerBytes > LONGEST_PART_HEADER) return this.#giveUp('header');
      this.#headerLines.push(Buffer.from(line));
    }
    // Both octets of the line end were counted.
    if (length - 2 > this.#settings.longestLine) this.#isLong = true;
  }

  #meetsBoundary(bytes: Buffer, at: number, from: number, end: number): boolean {
    // From the inside out: the boundary of an outer part may begin like that of an inner one.
    for (let i = this.#frames.length - 1; i >= 0; i--) {
      const frame = this.#frames[i] as Frame;
      const { mark } = frame;
      if (at + mark.length > bytes.length || bytes.compare(mark, 0, mark.length, at, at + mark.length) !== 0) continue;
      this.#endRegion(Math.max(this.#regionFrom, from - 2), from);
      if (i < this.#frames.length - 1) this.#anomalies.add('unterminated');
      const behind = at + mark.length;
      const closes = bytes[behind] === HYPHEN && bytes[behind + 1] === HYPHEN;
      this.#frames.length = closes ? i : i + 1;
      if (closes) this.#openAside(end);
      else {
        this.#depth = frame.depth;
        this.#inDigest = frame.isDigest;
        this.#openHeader(end);
      }
      return true;
    }
    return false;
  }

  #openHeader(from: number) {
    if (++this.#parts > MOST_PARTS) return this.#giveUp('parts');
    this.#mode = MODE.header;
    this.#regionFrom = from;
    this.#isLong = false;
    this.#headerLines = [];
    this.#headerBytes = 0;
  }

  #openAside(from: number) {
    this.#mode = MODE.aside;
    this.#regionFrom = from;
    this.#isLong = false;
    this.#leaf = undefined;
  }

  #endHeader(emptyLine: Buffer, end: number): void {
    const block = Buffer.concat([...this.#headerLines, emptyLine]);
    const headers = new Headers(block);
    this.#begin(this.#regionFrom, block, headers.get('content-type'), headers.get('content-transfer-encoding'), end);
  }

  /** A header was read: what follows it? */
  #begin(headerFrom: number, header: Buffer, contentType: string | undefined, encoded: string | undefined, from: number) {
    const read = contentType === undefined ? NO_CONTENT_TYPE : readContentType(contentType);
    if (read.isOpen) this.#anomalies.add('quotes');
    const type = read.type !== '' ? read.type : this.#inDigest ? 'message/rfc822' : 'text/plain';
    const encoding = (encoded ?? '').trim().toLowerCase();
    const isMultipart = type.startsWith('multipart/');
    const isBinary = this.#settings.isBinary === true;
    const leaf: Leaf = { headerFrom, header, type: isMultipart && !isBinary ? 'text/plain' : type, encoding };
    const isNested = isMultipart || (EMBEDDED.has(type) && IDENTITY.has(encoding));
    const tooDeep = isNested && this.#depth >= DEEPEST;
    if (tooDeep) this.#anomalies.add('depth');
    if (isMultipart && (read.boundary === '' || read.boundary.length > LONGEST_BOUNDARY)) this.#anomalies.add('boundary');
    else if (isNested && !tooDeep) {
      // Only these three may be said of what has parts (RFC 2045 6.4).
      if (isBinary && encoding === 'binary' && !this.#isSealed) this.#nameEncoding(leaf, '8bit');
      else this.#foldHeader(headerFrom, header, from);
      this.#depth++;
      if (!isMultipart) {
        this.#inDigest = false;
        return this.#openHeader(from);
      }
      this.#frames.push({
        mark: Buffer.from(`--${read.boundary}`, 'utf8'),
        isDigest: type === 'multipart/digest',
        isSealed: this.#isSealed || type === 'multipart/signed',
        depth: this.#depth,
      });
      return this.#openAside(from);
    }
    const headerIsLong = this.#mode === MODE.header && this.#isLong;
    this.#leaf = leaf;
    this.#mode = MODE.leaf;
    this.#regionFrom = from;
    this.#isLong = false;
    this.#escapes = 0;
    this.#octets.clear();
    if (headerIsLong) this.#foldHeader(headerFrom, header, from);
  }

  #foldHeader(headerFrom: number, header: Buffer, to: number): void {
    if (headerFrom < 0 || !this.#looksAtLines) return;
    const folded = foldLongLines(header, this.#settings.longestLine);
    if (folded === header) return;
    if (this.#isSealed) this.#isHopeless = this.#isOver = true;
    else this.#replace(headerFrom, to, folded);
  }

  get #isSealed(): boolean {
    return this.#frames.at(-1)?.isSealed === true;
  }

  /** The region ends at `end`; the line that ends it begins at `line`. `isOpen`: nothing ends its last line. */
  #endRegion(end: number, line: number, isOpen = false) {
    const leaf = this.#mode === MODE.leaf && this.#settings.isBinary ? this.#leaf : undefined;
    if (leaf && IDENTITY.has(leaf.encoding)) return this.#endOctets(leaf, end, isOpen);
    if (!this.#isLong) return;
    if (this.#mode === MODE.header) return this.#foldHeader(this.#regionFrom, Buffer.concat(this.#headerLines), line);
    const way = this.#mode === MODE.leaf && this.#leaf ? this.#choose(this.#leaf, end) : 'fold';
    if (this.#isSealed || way === undefined) this.#isHopeless = this.#isOver = true;
    else this.#edits.push({ from: this.#regionFrom, to: end, way });
  }

  /** A leaf that may be any octets. What lines can carry stays, under its right name; of the rest text and data are encoded. */
  #endOctets(leaf: Leaf, end: number, isOpen: boolean) {
    const { isRaw, isEightBit } = this.#octets;
    const wasBinary = leaf.encoding === 'binary';
    const isBroken = isRaw || this.#isLong || (isOpen && end - this.#lineFrom > this.#settings.longestLine);
    if (this.#isSealed || leaf.type === 'message/partial' || leaf.type.startsWith('multipart/')) {
      if (isBroken) this.#isHopeless = this.#isOver = true;
    } else if (leaf.type.startsWith('message/') && isRaw) this.#isHopeless = this.#isOver = true;
    const isText = leaf.type.startsWith('text/') && !isOpen;
    if (this.#isHopeless || this.#isSealed || !(wasBinary || isBroken)) return;
    const isStructure = /^(?:message|multipart)\//.test(leaf.type);
    // Of nothing base64 is nothing, and no reader takes a line end beside it for content.
    if (end === this.#regionFrom && !isStructure) return this.#nameEncoding(leaf, 'base64');
    const staysAsItIs = !isBroken && (isText || isStructure);
    if (wasBinary && (staysAsItIs || isStructure)) this.#nameEncoding(leaf, isEightBit ? '8bit' : '7bit');
    if (staysAsItIs) return;
    const way = this.#choose(leaf, end);
    if (way) this.#edits.push({ from: this.#regionFrom, to: end, way });
  }

  /** How a leaf is written; undefined when it cannot be. Notes the encoding in its header. */
  #choose(leaf: Leaf, end: number): Way | undefined {
    if (leaf.encoding === 'quoted-printable') return 'rewrap-qp';
    if (leaf.encoding === 'base64') return 'rewrap-base64';
    if (!IDENTITY.has(leaf.encoding) || leaf.type === 'message/partial') return undefined;
    // What else is of type message reads like a header, and may not be encoded (RFC 2046 5.2).
    if (leaf.type.startsWith('message/')) return 'fold';
    // Quoted-printable adds two octets to each that it escapes, base64 a third to all.
    const escapes = this.#escapes + this.#octets.escapes;
    const isText = leaf.type.startsWith('text/') && escapes * 6 <= end - this.#regionFrom;
    this.#nameEncoding(leaf, isText ? 'quoted-printable' : 'base64');
    return isText ? 'qp' : 'base64';
  }

  #nameEncoding(leaf: Leaf, encoding: Encoding): void {
    if (leaf.headerFrom < 0) {
      this.#encoding = encoding;
      return;
    }
    const headers = new Headers(leaf.header);
    headers.replace('Content-Transfer-Encoding', encoding);
    // It may have been folded already; this is the same block with one field more.
    if (this.#edits.at(-1)?.from === leaf.headerFrom) this.#edits.pop();
    this.#replace(leaf.headerFrom, leaf.headerFrom + leaf.header.length, foldLongLines(headers.bytes(), this.#settings.longestLine));
  }

  #replace(from: number, to: number, bytes: Buffer): void {
    this.#rewritten += bytes.length;
    if (this.#rewritten > MOST_REWRITTEN) this.#isHopeless = this.#isOver = true;
    else this.#edits.push({ from, to, way: bytes });
  }

  #giveUp(why: MimeAnomaly): void {
    this.#anomalies.add(why);
    this.#isOver = true;
    if (this.#looksAtLines) this.#isHopeless = true;
  }
}
