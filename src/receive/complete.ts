/** Makes the header block whole: trace fields on top, Date and Message-ID where the options ask for them. */
import type { InboundValues } from '../config/snapshot.js';
import { DateFormat } from '../mail/date.js';
import { formatField, Headers } from '../mail/headers.js';
import { formatTrace, nameProtocol } from '../mail/received.js';
import type { Reply } from '../mail/reply.js';
import type { Copy } from '../module/copy.js';
import type { Session } from '../module/session.js';
import type { ReceivedContent } from '../smtp/server/reception.js';
import { findContentType } from './mime-look.js';
import { DATE_MISSING, FIELD_TWICE, HEADERS_MISSING } from './replies.js';

export interface Host {
  readonly name: string;
  /** Product and version. */
  readonly product: string;
}

const dates = new DateFormat();
const EMPTY_LINE = Buffer.from('\r\n', 'latin1');

/** The headers to keep, or the refusal that the conformance options demand. */
export function completeHeaders(
  session: Session,
  draft: Copy,
  content: Pick<ReceivedContent, 'header' | 'facts'>,
  host: Host,
): { readonly headers: Headers; readonly contentType: string | undefined } | { readonly refused: Reply } {
  const { options } = session;
  const { headerMissing } = content.facts;
  if (headerMissing && options.rfc2822_missing_headers === 'reject') return { refused: HEADERS_MISSING };
  const lower = `\n${content.header.toString('latin1').toLowerCase()}`;
  if (options.rfc2822_duplicate_headers === 'reject' && SINGLE.some((name) => lower.indexOf(name, lower.indexOf(name) + 1) > 0))
    return { refused: FIELD_TWICE };
  const missing = findMissing(lower, options);
  const contentType = findContentType(content.header, lower);
  if (missing.date && options.rfc2822_date_header === 'pedantic') return { refused: DATE_MISSING };
  const { reception } = draft;
  const date = dates.format(reception.receivedAt);
  const top = options.rfc2822_trace_headers ? formatTraceOf(session, draft, host, date) : '';
  const bottom =
    (missing.messageId ? formatField('Message-ID', `<${draft.reception.batchId.replace('/', '.')}@${host.name}>`) : '') +
    (missing.date ? formatField('Date', date) : '');
  if (top === '' && bottom === '' && content.header.length > 0) return { headers: new Headers(content.header), contentType };
  return { headers: new Headers(joinBlock(top, content.header, bottom)), contentType };
}

function formatTraceOf(session: Session, draft: Copy, host: Host, date: string): string {
  const { reception } = draft;
  return formatTrace({
    ip: session.peer.ip,
    port: session.peer.port,
    helo: session.helo ?? '',
    host: session.options.received_hostname ?? host.name,
    sender: reception.sender ? String(reception.sender) : '',
    product: host.product,
    protocol: nameProtocol(session.protocol, session.tls !== undefined, session.user !== undefined, reception.smtpUtf8),
    id: reception.batchId,
    priority: draft.priority !== 0 || draft.facts.has('mt_priority') ? draft.priority : undefined,
    date,
  });
}

/** New fields above and below the fields that came; one allocation. */
function joinBlock(top: string, block: Buffer, bottom: string): Buffer {
  const fields = block.length >= 2 ? block.subarray(0, block.length - 2) : block;
  return Buffer.concat([Buffer.from(top, 'utf8'), fields, Buffer.from(bottom, 'utf8'), EMPTY_LINE]);
}

const DATE = '\ndate:';
const MESSAGE_ID = '\nmessage-id:';
/** Fields of which there is one (RFC 5322 3.6), and by which readers are deceived when there are two. */
const SINGLE = ['\nfrom:', DATE, MESSAGE_ID];

/** Which of the two fields the options want and the block lacks. */
function findMissing(text: string, options: InboundValues): { readonly date: boolean; readonly messageId: boolean } {
  const wantsDate = options.rfc2822_date_header !== 'ignore';
  const wantsId = options.rfc2822_messageid_header !== 'ignore';
  return { date: wantsDate && !text.includes(DATE), messageId: wantsId && !text.includes(MESSAGE_ID) };
}
