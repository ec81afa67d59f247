/** A spool without its daemon: what `celeris spool verify`, `show` and `export` tell. Nothing is changed, running daemon or not. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { codeOf } from '../kernel/problems.js';
import type { Copy } from '../module/copy.js';
import { readWhole } from './ledger.js';
import { problems } from './problems.js';
import type { PlaceNames } from './reception-record.js';
import { scanSegment } from './scan.js';
import { segmentName } from './segment.js';
import { idOf, listParts, readEntry, type Survey, sizeOf, surveyPart } from './survey.js';

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
  for (const part of await listParts(disk, root))
    for await (const { copy, segment } of readCopies(disk, await surveyPart(disk, root, part))) yield rowOf(copy, part, segment);
}

/** One message with its headers. Rejects with a coded problem when there is none. */
export async function showMessage(disk: Disk, root: string, id: string): Promise<MessageDetails> {
  const { copy, part, segment } = await findMessage(disk, root, id);
  const { reception } = copy;
  return {
    ...rowOf(copy, part, segment),
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
    const folder = quarantineOf(root, part);
    if (!(await disk.exists(folder))) continue;
    for (const name of [...(await disk.list(folder))].sort()) rows.push({ part, name, size: await sizeOf(disk, path.join(folder, name)) });
  }
  return rows;
}

/** The octets of a quarantine entry. Rejects with a coded problem when there is none. */
export async function exportQuarantined(disk: Disk, root: string, part: string, name: string): Promise<Buffer> {
  const rows = await listQuarantine(disk, root);
  if (!rows.some((row) => row.part === part && row.name === name)) throw problems.NO_ENTRY(name);
  return readWhole(disk, path.join(quarantineOf(root, part), name));
}

/** Reads every octet of the spool and says what is not as it was written. */
export async function verify(disk: Disk, root: string): Promise<Verification> {
  const counts = { parts: 0, segments: 0, messages: 0, octets: 0, damaged: 0, torn: 0 };
  const faults: Fault[] = [];
  for (const part of await listParts(disk, root)) {
    const survey = await surveyPart(disk, root, part);
    counts.parts++;
    counts.segments += survey.segments.length;
    for (const number of survey.segments) {
      const file = segmentName(number);
      const bytes = await readSegment(disk, survey, number);
      if (!bytes) {
        faults.push({ part, file, offset: 0, octets: 0, what: 'unreadable' });
        continue;
      }
      counts.octets += bytes.length;
      scanSegment(bytes, 0, {
        reception: () => {},
        damaged: (offset, octets, torn) => {
          if (torn) counts.torn++;
          else counts.damaged++;
          faults.push({ part, file, offset, octets: octets.length, what: torn ? 'torn' : 'damaged' });
        },
      });
    }
    for await (const { copy, segment } of readCopies(disk, survey)) {
      counts.messages++;
      if (await hasBody(disk, survey, copy)) continue;
      counts.damaged++;
      faults.push({ part, file: segmentName(segment), offset: 0, octets: copy.content.size, what: 'body missing' });
    }
  }
  return { ...counts, quarantined: (await listQuarantine(disk, root)).length, faults };
}

const quarantineOf = (root: string, part: string): string => path.join(root, 'parts', part, 'quarantine');

const rowOf = (copy: Copy, part: string, segment: number): MessageRow => ({
  id: copy.id,
  sender: copy.sender ? String(copy.sender) : '',
  recipient: String(copy.recipient),
  place: { group: copy.place.group, binding: copy.place.binding, domain: copy.place.domain },
  receivedAt: copy.reception.receivedAt,
  attempts: copy.attempts,
  nextAttempt: copy.nextAttempt,
  lastReply: copy.lastReply,
  size: copy.size,
  part,
  segment,
});

/** Undefined when it went away or the disk does not give it. */
async function readSegment(disk: Disk, { folder }: Survey, number: number): Promise<Buffer | undefined> {
  try {
    return await readWhole(disk, path.join(folder, segmentName(number)));
  } catch (error) {
    if (['ENOENT', 'EIO'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

async function* readCopies(disk: Disk, survey: Survey, id?: string): AsyncGenerator<{ readonly copy: Copy; readonly segment: number }> {
  for (const number of survey.segments) {
    const known = survey.ledger.of(number);
    const wanted = [...known.entries].filter(([, entry]) => id === undefined || idOf(entry) === id);
    if (wanted.length === 0) continue;
    const bytes = await readSegment(disk, survey, number);
    if (!bytes) continue;
    for (const [key, entry] of wanted) {
      const copy = readEntry(disk, survey.folder, bytes, key, entry, known);
      if (copy) yield { copy, segment: number };
    }
  }
}

async function findMessage(
  disk: Disk,
  root: string,
  id: string,
): Promise<{ readonly copy: Copy; readonly part: string; readonly segment: number }> {
  // Compaction may move it between two looks; the second one finds it.
  for (let look = 0; look < 2; look++)
    for (const part of await listParts(disk, root))
      for await (const { copy, segment } of readCopies(disk, await surveyPart(disk, root, part), id)) return { copy, part, segment };
  throw problems.NO_MESSAGE(id);
}

async function hasBody(disk: Disk, { folder }: Survey, { content }: Copy): Promise<boolean> {
  if (content.file === undefined) return true;
  const file = path.join(folder, 'large', content.file);
  return (await disk.exists(file)) && (await sizeOf(disk, file)) === content.size;
}
