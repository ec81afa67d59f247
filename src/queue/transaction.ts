/** Which mails may go out in one transaction: same bytes, same sender, same priority, same RFC 3461 facts of the message. */
import type { Copy } from '../module/copy.js';
import type { Body } from '../module/message.js';

/**
 * Copies of one reception share their objects, so this is a few comparisons of references; mails that were read back from the
 * spool have objects of their own and are compared byte by byte. NOTIFY and ORCPT belong to a recipient and may differ.
 */
export function shareTransaction(a: Copy, b: Copy): boolean {
  if (a.reception !== b.reception && !isSameReception(a, b)) return false;
  return a.notice === b.notice && a.priority === b.priority && isSameBody(a.content, b.content) && isSameHeader(a, b);
}

function isSameReception(a: Copy, b: Copy): boolean {
  const x = a.reception;
  const y = b.reception;
  return (
    x.batchId !== '' &&
    x.batchId === y.batchId &&
    x.receivedAt === y.receivedAt &&
    x.smtpUtf8 === y.smtpUtf8 &&
    x.requireTls === y.requireTls &&
    x.envelopeId === y.envelopeId &&
    x.returnContent === y.returnContent &&
    textOf(x.sender) === textOf(y.sender)
  );
}

const textOf = (sender: Copy['sender']): string => (sender === null ? '' : sender.toString());

function isSameHeader(a: Copy, b: Copy): boolean {
  if (a.headers === b.headers) return true;
  const x = a.headers.bytes();
  const y = b.headers.bytes();
  return x === y || (x.length === y.length && Buffer.compare(x, y) === 0);
}

function isSameBody(a: Body, b: Body): boolean {
  if (a === b) return true;
  if (a.size !== b.size || a.dots !== b.dots || a.eightBit !== b.eightBit) return false;
  if (a.file !== undefined || b.file !== undefined) return a.file === b.file;
  const x = a.resident;
  const y = b.resident;
  if (!x || !y || x.length !== y.length) return false;
  return x.every((chunk, i) => {
    const other = y[i];
    return other !== undefined && (chunk === other || (chunk.length === other.length && Buffer.compare(chunk, other) === 0));
  });
}
