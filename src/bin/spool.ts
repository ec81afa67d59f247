/** celeris spool: looks into a spool that may or may not be in use, and changes nothing. */
import fs from 'node:fs';
import { renderProblems } from '../config/render.js';
import { formatPairs, formatRecords } from '../console/table.js';
import { nodeDisk } from '../kernel/node-disk.js';
import { CodedError } from '../kernel/problems.js';
import { loadConfiguration } from '../server/configuration.js';
import { exportMessage, exportQuarantined, listMessages, listQuarantine, showMessage, verify } from '../spool/show.js';
import { EXIT } from './exit.js';

export interface SpoolQuestion {
  readonly config: string;
  /** verify, show or export */
  readonly verb: string;
  readonly words: readonly string[];
  /** Folder in place of the configuration's spoolbase. */
  readonly spool?: string;
}

export async function inspectSpool(question: SpoolQuestion): Promise<number> {
  const root = question.spool ?? (await findRoot(question.config));
  if (root === undefined) return EXIT.config;
  if (!fs.existsSync(root)) return complain(`there is no spool at ${root}`, EXIT.noInput);
  try {
    switch (question.verb) {
      case 'verify':
        return await tellVerification(root);
      case 'show':
        return await show(root, question.words);
      case 'export':
        return await exportTo(root, question.words);
      default:
        return complain(`"${question.verb}" is none of verify, show, export`, EXIT.usage);
    }
  } catch (error) {
    if (error instanceof CodedError) return complain(error.message, EXIT.failed);
    throw error;
  }
}

async function findRoot(config: string): Promise<string | undefined> {
  const configured = await loadConfiguration(config);
  if (configured.ok) return configured.snapshot.global.spoolbase;
  process.stderr.write(`${renderProblems(configured.problems)}\n`);
  return undefined;
}

async function tellVerification(root: string): Promise<number> {
  const { faults, ...counts } = await verify(nodeDisk, root);
  process.stdout.write(`${formatPairs(Object.entries(counts))}\n`);
  if (faults.length > 0) process.stdout.write(`${formatRecords(faults.map((fault) => ({ ...fault })))}\n`);
  return counts.damaged > 0 ? EXIT.failed : EXIT.ok;
}

/** All messages; one with its headers; or what lies in quarantine. */
async function show(root: string, [id]: readonly string[]): Promise<number> {
  if (id === 'quarantine') {
    process.stdout.write(`${formatRecords((await listQuarantine(nodeDisk, root)).map((row) => ({ ...row })))}\n`);
    return EXIT.ok;
  }
  if (id !== undefined) {
    const { headers, place, ...rest } = await showMessage(nodeDisk, root, id);
    const plain = Object.entries(rest).map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value] as const);
    process.stdout.write(`${formatPairs([...plain, ['place', `${place.group}/${place.binding}/${place.domain}`]])}\n\n${headers}\n`);
    return EXIT.ok;
  }
  for await (const row of listMessages(nodeDisk, root)) {
    process.stdout.write(
      `${row.id}  <${row.sender}> → <${row.recipient}>  ${new Date(row.receivedAt).toISOString()}  ${row.size} octets, ${row.attempts} attempts\n`,
    );
  }
  return EXIT.ok;
}

/** `export ID [FILE]`, or `export quarantine PART NAME [FILE]`. Without a file to standard output. */
async function exportTo(root: string, words: readonly string[]): Promise<number> {
  const target = words[0] === 'quarantine' ? words[3] : words[1];
  if (target !== undefined && fs.existsSync(target)) return complain(`${target} is there already`, EXIT.usage);
  if (words[0] === 'quarantine') {
    const [, part = '', name = '', file] = words;
    await write([await exportQuarantined(nodeDisk, root, part, name)], file);
    return EXIT.ok;
  }
  const [id, file] = words;
  if (id === undefined) return complain('say which message', EXIT.usage);
  await write(exportMessage(nodeDisk, root, id), file);
  return EXIT.ok;
}

async function write(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, file: string | undefined): Promise<void> {
  const out = file === undefined ? process.stdout : fs.createWriteStream(file, { flags: 'wx', mode: 0o600 });
  for await (const chunk of chunks) if (!out.write(chunk)) await new Promise<void>((done) => out.once('drain', () => done()));
  if (file !== undefined) await new Promise<void>((done) => out.end(() => done()));
}

function complain(text: string, code: number): number {
  process.stderr.write(`celeris: ${text}\n`);
  return code;
}
