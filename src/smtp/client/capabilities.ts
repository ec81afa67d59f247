/** What a server said it can do in its answer to EHLO. */

export interface Capabilities {
  readonly pipelining: boolean;
  readonly eightBitMime: boolean;
  readonly smtpUtf8: boolean;
  /** RFC 1870; true when SIZE was offered, whatever its limit: the server judges the number. */
  readonly size: boolean;
  /** RFC 3461. */
  readonly dsn: boolean;
  readonly startTls: boolean;
  /** Attributes that XCLIENT takes, in capitals; undefined when it is not offered (to us). */
  readonly xclient: readonly string[] | undefined;
  /** RFC 2852: the shortest time in seconds it takes, 0 for any; undefined when DELIVERBY is not offered. */
  readonly deliverBy: number | undefined;
  /** RFC 6710. */
  readonly mtPriority: boolean;
  /** Mechanisms of AUTH, in capitals. */
  readonly auth: readonly string[];
  /** RFC 8689; means something in an encrypted session only. */
  readonly requireTls: boolean;
}

const NO_MECHANISMS: readonly string[] = [];

/** After HELO, or before anything was said. */
export const NO_CAPABILITIES: Capabilities = Object.freeze({
  pipelining: false,
  eightBitMime: false,
  smtpUtf8: false,
  size: false,
  dsn: false,
  startTls: false,
  xclient: undefined,
  deliverBy: undefined,
  mtPriority: false,
  auth: NO_MECHANISMS,
  requireTls: false,
});

/** Reads the lines of a 250 to EHLO; the first is the greeting. Unknown keywords and malformed lines mean nothing. */
export function readCapabilities(lines: readonly string[]): Capabilities {
  const words = new Set<string>();
  let xclient: readonly string[] | undefined;
  let deliverBy: number | undefined;
  let auth: readonly string[] = NO_MECHANISMS;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const word = (/^[A-Za-z0-9-]+/.exec(line)?.[0] ?? '').toUpperCase();
    words.add(word);
    // Old servers also write AUTH=, for clients that are older still.
    if (word === 'AUTH') auth = [...auth, ...line.toUpperCase().split(/[ =]/).slice(1)];
    if (word === 'DELIVERBY') deliverBy = Number(/^DELIVERBY +(\d{1,9})(?:,|$)/i.exec(line.trimEnd())?.[1] ?? 0);
    if (word === 'XCLIENT') xclient = line.toUpperCase().split(' ').slice(1);
  }
  return {
    pipelining: words.has('PIPELINING'),
    eightBitMime: words.has('8BITMIME'),
    smtpUtf8: words.has('SMTPUTF8'),
    size: words.has('SIZE'),
    dsn: words.has('DSN'),
    startTls: words.has('STARTTLS'),
    xclient,
    deliverBy,
    mtPriority: words.has('MT-PRIORITY'),
    auth,
    requireTls: words.has('REQUIRETLS'),
  };
}
