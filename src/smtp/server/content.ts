/** The content of one message while it arrives, by DATA or by chunks: kept, counted against the limits, judged at its end. */
import type { InboundValues } from '../../config/snapshot.js';
import { ChunkScan } from '../../mail/chunk-scan.js';
import { type ContentForm, DataScan, type HalfFacts } from '../../mail/data-scan.js';
import { beginsWithField, countReceived } from '../../mail/message-scan.js';
import { ResidentBody } from '../../module/copy.js';
import type { LargeBody } from '../../module/spool.js';
import type { Reply } from '../../module/verdict.js';
import { endsLine, hasLeadingDot, Mender, repairAll } from './mender.js';
import type { ContentFacts, ReceivedContent } from './reception.js';
import {
  BODY_LINE_TOO_LONG,
  HEADER_LINE_TOO_LONG,
  HEADER_TOO_LARGE,
  HEADERS_MISSING,
  LONE_IN_BODY,
  LONE_IN_HEADERS,
  NUL_IN_MESSAGE,
  TOO_LARGE,
  TOO_MANY_HOPS,
} from './words.js';

/** What a client may send of a message that is already refused, when no max_message_size says it: then the connection ends. */
const DRAIN_WITHOUT_LIMIT = 20 * 1024 * 1024;
/** Times our own name may stand in trace fields (bad-inputs 27). */
const OWN_PASSES = 3;
/** RFC 5322 2.1.1. */
const LINE_LIMIT = 998;

const EMPTY: Buffer = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n', 'latin1');

export class Content {
  /** Coarse monotonic milliseconds when it began, for the deadlines. */
  startedAt: number;
  readonly #scan: DataScan | ChunkScan;
  /** BODY=BINARYMIME: lines are a matter of the header block alone, and nothing of the body is mended. */
  readonly #isBinary: boolean;
  readonly #options: InboundValues;
  readonly #host: string;
  #tooLarge = false;
  #headerTooLarge = false;
  #store: LargeBody | undefined;
  #mender: Mender | undefined;
  #storedDots = false;
  #head: Head | undefined;
  #leadStored = false;
  #storedLineStart = true;
  #storedBytes = 0;

  constructor(options: InboundValues, host: string, form: ContentForm, startedAt: number) {
    this.#scan = form === 'data' ? new DataScan() : new ChunkScan(form);
    this.#isBinary = form === 'octets';
    this.#options = options;
    this.#host = host;
    this.startedAt = startedAt;
  }

  /** Octets of the message so far. */
  /** It begins now as far as time limits go. */
  restart(now: number): void {
    this.startedAt = now;
  }

  get size(): number {
    return this.#scan.size;
  }

  /** It will be refused, so nothing of it is kept any more. */
  get draining(): boolean {
    return this.#tooLarge || this.#headerTooLarge;
  }

  /** More than anybody has to read of a message that is refused. */
  get overflowing(): boolean {
    const limit = this.#options.max_message_size;
    return this.draining && this.#scan.size > (limit > 0 ? 2 * limit : DRAIN_WITHOUT_LIMIT);
  }

  /** Octets of the body that are in memory. */
  get residentBytes(): number {
    return this.#scan.bodyFacts.bytes - this.#storedBytes;
  }

  get stored(): boolean {
    return this.#store !== undefined;
  }

  /** Takes octets from DATA beginning at `at`; answers the index behind the end mark, or -1 when there is more to come. */
  takeDotted(chunk: Buffer, at: number): number {
    const end = (this.#scan as DataScan).push(at === 0 ? chunk : chunk.subarray(at));
    this.#weigh();
    return end < 0 ? -1 : at + end;
  }

  /** Takes octets of a BDAT chunk. */
  takeChunk(bytes: Buffer): void {
    this.#scan.push(bytes);

    this.#weigh();
  }

  /** From now on the body goes into `store`. */
  storeIn(store: LargeBody): void {
    this.#store = store;
    if (this.#fixesBody) this.#mender = new Mender();
  }

  /** Hands the body that is in memory to the store. The promise resolves when more may come. */
  spill(): void | Promise<void> {
    const store = this.#store;
    if (!store || !(this.#scan.headerEnded || this.#head)) return;
    let waiting: Promise<void> | undefined;
    if (!this.#leadStored) {
      this.#leadStored = true;
      const { lead } = (this.#head ??= this.#readHead());
      this.#storedDots = hasLeadingDot(lead, true);
      waiting = this.#append(store, this.#mender ? this.#mender.push(lead) : lead) ?? undefined;
    }
    this.#storedBytes = this.#scan.bodyFacts.bytes;
    for (const slice of this.#scan.takeBody()) {
      const written = this.#append(store, this.#mender ? this.#mender.push(slice) : slice);
      if (written) waiting = waiting ? Promise.all([waiting, written]).then(() => undefined) : written;
    }
    return waiting;
  }

  /** Why the message is refused, or undefined. Asked once, after its last octet. */
  judge(): Reply | undefined {
    if (this.#scan instanceof ChunkScan) this.#scan.finish();
    if (this.#tooLarge) return TOO_LARGE;
    if (this.#headerTooLarge) return HEADER_TOO_LARGE;
    const { headerFacts, bodyFacts, hasNul } = this.#scan;
    const options = this.#options;
    const inHeaders = this.#hasLone(headerFacts);
    if (this.#isBinary) return this.#judgeHeader();
    const inBody = this.#hasLone(bodyFacts);
    if (inHeaders && options.rfc2822_lone_lf_in_headers !== 'fix') return LONE_IN_HEADERS;
    if (inBody && options.rfc2822_lone_lf_in_body === 'pedantic') return LONE_IN_BODY;
    if (hasNul && options.rfc2822_lone_lf_in_body === 'pedantic') return NUL_IN_MESSAGE;
    const longest = lineLimit(options);
    if (headerFacts.longestLine > longest) return HEADER_LINE_TOO_LONG;
    if (bodyFacts.longestLine > longest) return BODY_LINE_TOO_LONG;
    return undefined;
  }

  /** A header that had to be mended could end elsewhere than it did for the sender: then what follows would no longer be its octets. */
  #judgeHeader(): Reply | undefined {
    const { headerFacts, header } = this.#scan;
    if (this.#hasLone(headerFacts)) return LONE_IN_HEADERS;
    if (header.some((part) => part.includes(0))) return NUL_IN_MESSAGE;
    return headerFacts.longestLine > lineLimit(this.#options) ? HEADER_LINE_TOO_LONG : undefined;
  }

  /** The message as reception gets it, or why it is refused after all. Only after `judge`. */
  finish(): ReceivedContent | Reply | Promise<ReceivedContent> {
    const head = (this.#head ??= this.#readHead());
    if (head.missing && this.#options.rfc2822_missing_headers === 'reject') return HEADERS_MISSING;
    if (this.#loops(head.block)) return TOO_MANY_HOPS;
    const { headerFacts, bodyFacts } = this.#scan;
    const facts = new Findings(this.#scan, head, this.#repairs(headerFacts) || (this.#fixesBody && this.#repairs(bodyFacts)));
    return this.#store ? this.#finishStored(this.#store, head, facts) : this.#finishResident(head, facts);
  }

  /** Lets everything go. */
  abandon(): Promise<void> | undefined {
    const store = this.#store;
    this.#store = undefined;
    this.#scan.takeBody();
    return store?.abandon();
  }

  get #fixesBody(): boolean {
    return !this.#isBinary && this.#options.rfc2822_lone_lf_in_body === 'fix';
  }

  #hasLone(half: HalfFacts): boolean {
    return half.bareLf + half.bareCr > 0;
  }

  #repairs(half: HalfFacts): boolean {
    return this.#hasLone(half) || (this.#scan.hasNul && this.#fixesBody);
  }

  /** Parts header block and body for good. Once the header block has ended, or the content has. */
  #readHead(): Head {
    const scan = this.#scan;
    let block = joinAll(scan.header);
    let ended = scan.headerEnded;
    let lead: Buffer = EMPTY;
    if (this.#repairs(scan.headerFacts)) {
      // What was one block of lone LFs may now show where it ends.
      block = repairAll(block);
      const end = block.indexOf('\r\n\r\n', 0, 'latin1');
      if (end >= 0) {
        lead = block.subarray(end + 4);
        block = block.subarray(0, end + 4);
        ended = true;
      }
    }
    if (block.length === 0 || (block[0] === CRLF[0] && block[1] === CRLF[1]))
      return { block: EMPTY, lead: joinAll([block.subarray(2), lead]), missing: true };
    if (!beginsWithField(block)) return { block: EMPTY, lead: joinAll([block, lead]), missing: true };
    if (!ended) block = Buffer.concat(endsLine(block) ? [block, CRLF] : [block, CRLF, CRLF]);
    return { block, lead, missing: false };
  }

  #bodyIsEightBit(head: Head): boolean {
    return this.#scan.bodyFacts.eightBit || (head.lead.length > 0 && this.#scan.headerFacts.eightBit);
  }

  #finishResident(head: Head, facts: Findings): ReceivedContent {
    const scan = this.#scan;
    let slices = scan.takeBody();
    let { dots } = scan;
    if (head.lead.length > 0 || (this.#fixesBody && this.#repairs(scan.bodyFacts))) {
      const whole = joinAll([head.lead, ...slices]);
      const mended = this.#fixesBody ? repairAll(whole) : whole;
      slices = mended.length > 0 ? [mended] : [];
      dots = hasLeadingDot(mended, true);
    }
    const body = new ResidentBody(slices, totalOf(slices), dots, this.#bodyIsEightBit(head));
    return { header: head.block, body, facts, size: head.block.length + body.size };
  }

  async #finishStored(store: LargeBody, head: Head, facts: Findings): Promise<ReceivedContent> {
    await this.spill();
    if (this.#mender) await this.#append(store, this.#mender.end());
    const body = await store.finish({ dots: this.#scan.dots || this.#storedDots, eightBit: this.#bodyIsEightBit(head) });
    this.#store = undefined;
    return { header: head.block, body, facts, size: head.block.length + body.size };
  }

  #append(store: LargeBody, bytes: Buffer): void | Promise<void> {
    if (bytes.length === 0) return;
    if (this.#mender) {
      this.#storedDots ||= hasLeadingDot(bytes, this.#storedLineStart);
      this.#storedLineStart = bytes[bytes.length - 1] === CRLF[1];
    }
    return store.write(bytes);
  }

  /** Notices when a limit is passed, and keeps nothing from then on. */
  #weigh(): void {
    const scan = this.#scan;
    const { max_message_size: most, max_header_bytes: headerBytes, max_header_lines: headerLines } = this.#options;
    if (!this.draining) {
      if (most > 0 && scan.size > most) this.#tooLarge = true;
      else if (scan.headerFacts.bytes > headerBytes || scan.headerFacts.lines > headerLines + 1) this.#headerTooLarge = true;
      else return;
    }
    scan.takeBody();
    scan.header.length = 0;
  }

  #loops(header: Buffer): boolean {
    const { lines } = this.#scan.headerFacts;
    // A field has at least one line: few lines cannot hold many fields.
    if (lines > this.#options.max_hops && countReceived(header) > this.#options.max_hops) return true;
    return lines > OWN_PASSES * 2 && countOf(header, `by ${this.#host} (envelope-from <`) > OWN_PASSES;
  }
}

/** Where the header block ends and what of its octets turned out to be body. */
interface Head {
  readonly block: Buffer;
  readonly lead: Buffer;
  readonly missing: boolean;
}

/** Read only by those who want to know: most messages are never asked. */
class Findings implements ContentFacts {
  readonly longestHeaderLine: number;
  readonly longestBodyLine: number;
  readonly headerMissing: boolean;
  readonly repaired: boolean;
  readonly eightBitHeader: boolean;
  readonly #header: Buffer;

  constructor(scan: DataScan | ChunkScan, head: Head, repaired: boolean) {
    this.longestHeaderLine = scan.headerFacts.longestLine;
    this.longestBodyLine = scan.bodyFacts.longestLine;
    this.headerMissing = head.missing;
    this.repaired = repaired;
    this.#header = head.block;
    this.eightBitHeader = !head.missing && scan.headerFacts.eightBit;
  }

  get receivedFields(): number {
    return countReceived(this.#header);
  }
}

/** Longest line that is not refused. */
function lineLimit(options: InboundValues): number {
  const { rfc2822_max_line_length: limit, rfc2822_max_line_length_policy: policy } = options;
  if (limit === 'ignore' || limit === 'fix') return Number.POSITIVE_INFINITY;
  if (limit === 'pedantic') return LINE_LIMIT;
  return policy === 'reject' ? limit : Number.POSITIVE_INFINITY;
}

function joinAll(slices: readonly Buffer[]): Buffer {
  return slices.length === 1 && slices[0] ? slices[0] : Buffer.concat(slices);
}

function totalOf(slices: readonly Buffer[]): number {
  let total = 0;
  for (const slice of slices) total += slice.length;
  return total;
}

function countOf(bytes: Buffer, text: string): number {
  let count = 0;
  for (let at = bytes.indexOf(text, 0, 'latin1'); at >= 0; at = bytes.indexOf(text, at + text.length, 'latin1')) count++;
  return count;
}
