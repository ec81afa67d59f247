/** The trace fields we put on top of a message (RFC 5321 4.4), in Momentum's shape. */

export interface Trace {
  /** Address of the client; empty for a unix socket. */
  readonly ip: string;
  readonly port: number;
  readonly helo: string;
  /** Our name. */
  readonly host: string;
  /** Envelope sender; empty for the null sender. */
  readonly sender: string;
  /** e.g. "Celeris 0.1.0" */
  readonly product: string;
  /** ESMTP, ESMTPS, ESMTPSA, UTF8SMTP, LMTP, … (RFC 3848, RFC 6531). */
  readonly protocol: string;
  readonly id: string;
  /** Priority where one was asked for (RFC 6710 4.1). */
  readonly priority?: number | undefined;
  /** RFC 5322 date. */
  readonly date: string;
}

const UNSAFE = /[^\x21-\x27\x2a-\x5b\x5d-\x7e\u00a0-\u{10ffff}]/gu;

/** A name from a peer, as it may stand in a field: no control characters, blanks, brackets of comments or backslashes. */
export const sanitizeName = (name: string): string => name.replace(UNSAFE, '?').slice(0, 255);

const cleanPath = (text: string): string => text.replace(/\p{Cc}/gu, '?');

/** Inside a comment, brackets and backslashes of a quoted local part must not end it (RFC 5322 3.2.2). */
const escapeComment = (text: string): string => text.replace(/[()\\]/g, '\\$&');

/** Return-Path and Received, each with CRLF. */
export function formatTrace(trace: Trace): string {
  const from = trace.ip === '' ? 'localhost' : `[${trace.ip}]`;
  const address =
    trace.ip === '' ? 'unix socket' : trace.ip.includes(':') ? `[[${trace.ip}]:${trace.port}]` : `[${trace.ip}:${trace.port}]`;
  const envelope = cleanPath(trace.sender);
  const priority = trace.priority === undefined ? '' : `\r\n\tPRIORITY ${trace.priority}`;
  return `Return-Path: <${envelope}>\r\nReceived: from ${from} (${address} helo=${sanitizeName(trace.helo)})\r\n\tby ${trace.host} (envelope-from <${escapeComment(envelope)}>)\r\n\t(${trace.product}) with ${trace.protocol}\r\n\tid ${trace.id}${priority}; ${trace.date}\r\n`;
}

/** The protocol word of RFC 3848: S with TLS, A with authentication; UTF8 in front when the message needs it (RFC 6531). */
export function nameProtocol(base: 'smtp' | 'esmtp' | 'lmtp', tls: boolean, authenticated: boolean, international: boolean): string {
  if (base === 'smtp') return 'SMTP';
  const name = base === 'lmtp' ? (international ? 'UTF8LMTP' : 'LMTP') : international ? 'UTF8SMTP' : 'ESMTP';
  return `${name}${tls ? 'S' : ''}${authenticated ? 'A' : ''}`;
}
