/** SMTP replies: code, enhanced status code, text (RFC 5321 4.2, RFC 2034). */

export interface Reply {
  readonly code: number;
  /** Enhanced status code such as 5.7.1; empty for none. */
  readonly status: string;
  /** Lines are parted by \n. */
  readonly text: string;
}

/** Makes a reply. */
export const reply = (code: number, status: string, text: string): Reply => Object.freeze({ code, status, text });

/** The reply as octets on the wire, CRLF included; every line carries the status code when there is one. */
export function formatWire({ code, status, text }: Reply, withStatus = true): string {
  const head = withStatus && status !== '' ? `${status} ` : '';
  if (!text.includes('\n')) return `${code} ${head}${text}\r\n`;
  const lines = text.split('\n');
  let wire = '';
  for (let i = 0; i < lines.length; i++) wire += `${code}${i === lines.length - 1 ? ' ' : '-'}${head}${lines[i]}\r\n`;
  return wire;
}

const CONTROL = /\p{Cc}+/gu;

/** The reply on one line, as logs and records carry it. */
export const formatOneLine = ({ code, status, text }: Reply): string => joinLine(`${code} ${status === '' ? '' : `${status} `}${text}`);

/** Any text on one line: line ends and other control characters become one blank. */
export const joinLine = (text: string): string => text.replace(CONTROL, ' ').trim();

const CODED = /^([2-5]\d\d)[ -](?:(\d\.\d{1,3}\.\d{1,3}) )?(.*)$/s;

/** Reads "550 5.7.1 text", as logs and options carry it; undefined when it has no code. */
export function parseOneLine(line: string): Reply | undefined {
  const found = CODED.exec(line);
  return found ? { code: Number(found[1]), status: found[2] ?? '', text: found[3] ?? '' } : undefined;
}

export const isPositive = (code: number): boolean => code >= 200 && code < 400;
export const isTransient = (code: number): boolean => code >= 400 && code < 500;
export const isPermanent = (code: number): boolean => code >= 500 && code < 600;
