/** Which folder a recipient has: pure, and nothing that a peer wrote becomes part of a path unless it is one plain name. */
import path from 'node:path';
import type { Address } from '#module';

/** How recipients are named on the disk. */
export interface Naming {
  readonly basedir: string;
  /** A level for the domain between basedir and user. */
  readonly domainInPath: boolean;
  readonly lowercase: boolean;
  /** What parts the user from the detail ("user+detail"); empty for nothing. */
  readonly separator: string;
}

export interface Mailbox {
  /** Folders from basedir to the mailbox, outermost first; the last one is the mailbox. */
  readonly folders: readonly string[];
  /** What followed the separator, when it can be the name of a folder. */
  readonly detail: string | undefined;
}

/** NAME_MAX of Linux, in octets. */
const LONGEST_NAME = 255;
/** U+FFFD stands for octets that were no UTF-8: two of them could be one name. */
const UNSAFE = /[/\p{Cc}\p{Cs}\ufffd]|\.\./u;

/** One name below a folder that leads nowhere else, is not hidden, and fits. */
const isPlain = (name: string): boolean =>
  name !== '' && !name.startsWith('.') && !UNSAFE.test(name) && Buffer.byteLength(name) <= LONGEST_NAME;

/** The mailbox of a recipient; undefined when no folder may have its name. */
export function findMailbox(recipient: Address, { basedir, domainInPath, lowercase, separator }: Naming): Mailbox | undefined {
  const meaning = recipient.localMeaning;
  if (!isPlain(meaning)) return undefined;
  const local = lowercase ? meaning.toLowerCase() : meaning;
  // "+x" is a user of that name, not the detail of nobody.
  const cut = separator === '' ? -1 : local.indexOf(separator, 1);
  const user = cut < 0 ? local : local.slice(0, cut);
  const detail = cut < 0 ? '' : local.slice(cut + separator.length);
  const domain = recipient.domain.toLowerCase();
  if (!isPlain(user) || (domainInPath && !isPlain(domain))) return undefined;
  const folders = domainInPath ? [path.join(basedir, domain), path.join(basedir, domain, user)] : [path.join(basedir, user)];
  // Maildir++ parts levels of folders with dots.
  return { folders, detail: isPlain(detail) && !detail.includes('.') ? detail : undefined };
}
