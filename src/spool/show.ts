/** A spool without its daemon: what `celeris spool verify`, `show` and `export` tell. Nothing is changed, running daemon or not. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import type { Copy } from '../module/copy.js';
import { type Kept, passOver, readSegments } from './offline.js';
import { listParts, partFolder } from './parts.js';
import { type PlaceNames, readPlace } from './place-names.js';
import { problems } from './problems.js';
import { QUARANTINE } from './quarantine.js';
import { readWhole } from './small-file.js';

/** One message as a line of a list. */
export interface MessageRow {
  readonly id: string;
  /** Empty for the null sender. */
  readonly sender: string;
  readonly recipient: string;
  readonly place: PlaceNames;
  /** Wall milliseconds. */
  readonly receivedAt: number;
  readonly attempts: number;
  /** Wall milliseconds; 0 = at once. */
  readonly nextAttempt: number;
  readonly lastReply: string;
  /** Octets of header block and body. */
  readonly size: number;
  /** Where it lies. */
  readonly part: string;
  readonly segment: number;
}

/** A message with what only a look at one of them needs. */
export interface MessageDetails extends MessageRow {
  /** The header block as it is, without the empty line behind it. */
  readonly headers: string;
  readonly batchId: string;
  readonly connectionId: string;
  readonly protocol: string;
  readonly source: string;
  readonly quarantined: string | undefined;
  readonly notice: boolean;
  /** Message context. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** Octets that were set aside because they could not be read. */
export interface QuarantineRow {
  readonly part: string;
  readonly name: string;
  readonly size: number;
}

/** Something in a spool that is not as it was written. */
export interface Fault {
  readonly part: string;
  readonly file: string;
  readonly offset: number;
  readonly octets: number;
  /** `torn`: the end of a write that was cut, or is under way. */
  readonly what: 'damaged' | 'torn' | 'unreadable' | 'body missing';
}

/** Counts of a whole spool. */
export interface Verification {
  readonly parts: number;
  readonly segments: number;
  readonly messages: number;
  readonly octets: number;
  readonly damaged: number;
  readonly torn: number;
  readonly quarantined: number;
  readonly faults: readonly Fault[];
}

/** All messages, newest segment first. One that is moved while it is looked for may be left out. */
export async function* listMessages(disk: Disk, root: string): AsyncGenerator<MessageRow> {
  for await (const segment of readSegments(disk, root)) {
    for (const one of segment.kept) {
      const copy = copyOf(one);
      if (copy) yield rowOf(one, copy);
    }
  }
}

/** One message with its headers. Rejects with a coded problem when there is none. */
export async function showMessage(disk: Disk, root: string, id: string): Promise<MessageDetails> {
  const { one, copy } = await findMessage(disk, root, id);
  const { reception } = copy;
  return {
    ...rowOf(one, copy),
    headers: copy.headers
      .bytes()
      .toString('utf8')
      .replace(/\r\n\r\n$/, '\r\n'),
    batchId: reception.batchId,
    connectionId: reception.connectionId,
    protocol: reception.protocol,
    source: reception.source ? `${reception.source.ip}:${reception.source.port}` : '',
    quarantined: copy.quarantined,
    notice: copy.notice,
    facts: [...copy.facts],
  };
}

/** The octets of a message as an .eml file has them. Rejects with a coded problem when there is none. */
export async function* exportMessage(disk: Disk, root: string, id: string): AsyncGenerator<Uint8Array> {
  const { copy } = await findMessage(disk, root, id);
  yield copy.headers.bytes();
  yield* copy.content.read();
}

/** What lies in quarantine. */
export async function listQuarantine(disk: Disk, root: string): Promise<readonly QuarantineRow[]> {
  const rows: QuarantineRow[] = [];
  for (const part of await listParts(disk, root)) {
    const folder = path.join(partFolder(root, part), QUARANTINE);
    for (const name of [...((await disk.list(folder).catch(passOver)) ?? [])].sort()) {
      const bytes = await readWhole(disk, path.join(folder, name)).catch(passOver);
      if (bytes) rows.push({ part: String(part), name, size: bytes.length });
    }
  }
  return rows;
}

/** The octets of a quarantine entry. Rejects with a coded problem when there is none. */
export async function exportQuarantined(disk: Disk, root: string, part: string, name: string): Promise<Buffer> {
  const rows = await listQuarantine(disk, root);
  if (!rows.some((row) => row.part === part && row.name === name)) throw problems.NO_ENTRY(name);
  return readWhole(disk, path.join(partFolder(root, Number(part)), QUARANTINE, name));
}

/** Reads every octet of the spool and says what is not as it was written. */
export async function verify(disk: Disk, root: string): Promise<Verification> {
  const faults: Fault[] = [];
  const sum = { segments: 0, messages: 0, octets: 0 };
  for await (const segment of readSegments(disk, root)) {
    sum.segments++;
    sum.messages += segment.kept.length;
    sum.octets += segment.bytes;
    const about = { part: String(segment.part), file: segment.file };
    if (segment.unreadable) faults.push({ ...about, offset: 0, octets: segment.bytes, what: 'unreadable' });
    for (const { from, to, torn } of segment.damage)
      faults.push({ ...about, offset: from, octets: to - from, what: torn ? 'torn' : 'damaged' });
    for (const one of segment.kept) {
      const fault = await faultOf(one);
      if (fault) faults.push({ ...about, offset: one.entry.offset, ...fault });
    }
  }
  const torn = faults.filter(({ what }) => what === 'torn').length;
  return {
    parts: (await listParts(disk, root)).length,
    ...sum,
    damaged: faults.length - torn,
    torn,
    quarantined: (await listQuarantine(disk, root)).length,
    faults,
  };
}

async function faultOf(one: Kept): Promise<Pick<Fault, 'octets' | 'what'> | undefined> {
  const copy = copyOf(one);
  if (!copy) return { octets: one.entry.weight, what: 'damaged' };
  if (copy.content.file === undefined) return undefined;
  try {
    // Reading it compares its checksum.
    for await (const _ of copy.content.read());
    return undefined;
  } catch {
    return { octets: copy.content.size, what: 'body missing' };
  }
}

async function findMessage(disk: Disk, root: string, id: string): Promise<{ readonly one: Kept; readonly copy: Copy }> {
  // Compaction may move it between two looks; the second one finds it.
  for (let look = 0; look < 2; look++) {
    for await (const { kept } of readSegments(disk, root)) {
      const one = kept.find((each) => each.id === id);
      const copy = one && copyOf(one);
      if (one && copy) return { one, copy };
    }
  }
  throw problems.NO_MESSAGE(id);
}

/** The copy in its newest state; undefined when its record cannot be understood. */
function copyOf({ entry, decode, id }: Kept): Copy | undefined {
  try {
    const copy = decode().copy(entry.index);
    return copy.id === id ? copy : undefined;
  } catch {
    return undefined;
  }
}

const rowOf = ({ part, number, entry }: Kept, copy: Copy): MessageRow => ({
  id: copy.id,
  sender: copy.sender ? String(copy.sender) : '',
  recipient: String(copy.recipient),
  place: readPlace(entry.place),
  receivedAt: entry.receivedAt,
  attempts: entry.attempts,
  nextAttempt: entry.next,
  lastReply: entry.reply,
  size: copy.size,
  part: String(part),
  segment: number,
});
