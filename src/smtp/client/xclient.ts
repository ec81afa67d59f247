/** XCLIENT (Postfix XCLIENT_README): the lines that tell the next hop who brought us the mail. Pure. */
import { encodeXtext } from '../../mail/xtext.js';
import type { Reception } from '../../module/message.js';

/** What is known of the client a mail came from; what is undefined is sent as unavailable. */
export interface Origin {
  readonly ip: string | undefined;
  readonly helo: string | undefined;
  /** SMTP or ESMTP, as the extension knows no others; undefined for mail that came another way. */
  readonly protocol: 'SMTP' | 'ESMTP' | undefined;
  readonly login: string | undefined;
  /** Equal for equal origins. */
  readonly key: string;
}

/** Longest command line; more attributes go into a further command, as the extension's description asks. */
const LINE_OCTETS = 512;
/** A longer value is left out: no line could hold it. */
const VALUE_OCTETS = 255;
const UNAVAILABLE = '[UNAVAILABLE]';

/** Who brought a mail. The client's port is left out: with it no two of its sessions could share a connection. */
export function originOf({ source, helo, protocol, user }: Reception): Origin {
  const ip = source?.ip || undefined;
  const spoken = protocol === 'smtp' ? 'SMTP' : protocol === 'esmtp' ? 'ESMTP' : undefined;
  return { ip, helo, protocol: spoken, login: user, key: JSON.stringify([ip, helo, spoken, user]) };
}

/** The commands for the attributes a server takes (in capitals), CRLF included; none when it takes none that we know. */
export function formatXclient({ ip, helo, protocol, login }: Origin, taken: readonly string[]): readonly string[] {
  const values: (readonly [string, string])[] = [
    // Nobody looked the name up; said as unavailable it cannot be mistaken for that of our own address.
    ['NAME', UNAVAILABLE],
    ['ADDR', ip === undefined ? UNAVAILABLE : ip.includes(':') ? `IPV6:${ip}` : ip],
    ['HELO', spell(helo)],
    ['LOGIN', spell(login)],
  ];
  if (protocol !== undefined) values.push(['PROTO', protocol]);
  const lines: string[] = [];
  let line = 'XCLIENT';
  for (const [name, value] of values) {
    if (!taken.includes(name)) continue;
    const word = ` ${name}=${value}`;
    if (line.length + word.length + 2 > LINE_OCTETS) {
      lines.push(`${line}\r\n`);
      line = 'XCLIENT';
    }
    line += word;
  }
  if (line !== 'XCLIENT') lines.push(`${line}\r\n`);
  return lines;
}

function spell(text: string | undefined): string {
  if (text === undefined || text === '') return UNAVAILABLE;
  const encoded = encodeXtext(text);
  return encoded.length > VALUE_OCTETS ? UNAVAILABLE : encoded;
}
