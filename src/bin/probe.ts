/** celeris probe: the bad-input matrix against any SMTP server, as a table. */
import { randomBytes } from 'node:crypto';
import type { Group } from '../tools/probe/case.js';
import { matrix } from '../tools/probe/cases/index.js';
import { NoDialogue } from '../tools/probe/dialogue.js';
import { probe } from '../tools/probe/probe.js';
import { NotServed } from '../tools/probe/survey.js';
import { renderTable } from '../tools/probe/table.js';
import { EXIT } from './exit.js';

export interface ProbeWishes {
  readonly recipient?: string;
  readonly sender?: string;
  readonly helo?: string;
  readonly only?: string;
  readonly tlsOnly?: boolean;
  readonly implicitTls?: boolean;
  readonly json?: boolean;
}

/** Resolves to the exit code: 0 when nothing unsafe was found, 1 when something was, 64, 68 or 69 when nothing could be tried. */
export async function probeServer(where: string, wishes: ProbeWishes): Promise<number> {
  const { recipient, sender, helo, only, tlsOnly = false, implicitTls = false, json = false } = wishes;
  const place = readPlace(where);
  if (!place) return complain(`"${where}" is not HOST:PORT`, EXIT.usage);
  for (const text of [recipient, sender, helo])
    if (text !== undefined && /[\x00-\x20<>\x7f]/.test(text))
      return complain(`${JSON.stringify(text)} cannot stand in a command`, EXIT.usage);
  if (recipient !== undefined && !recipient.includes('@')) return complain(`"${recipient}" is no address`, EXIT.usage);
  const groups = only?.split(',').map((name) => matrix.find(({ group }) => group === name.trim().replaceAll('-', ' '))?.group);
  if (groups?.includes(undefined)) return complain(`--only knows ${[...new Set(matrix.map(({ group }) => group))].join(', ')}`, EXIT.usage);
  if (tlsOnly && implicitTls) return complain('--tls-only and --implicit-tls exclude each other', EXIT.usage);
  try {
    const report = await probe(
      {
        target: { ...place, implicitTls },
        tlsOnly,
        mark: randomBytes(4).toString('hex'),
        ...(recipient !== undefined && { recipient }),
        ...(sender !== undefined && { sender }),
        ...(helo !== undefined && { helo }),
      },
      groups as Group[] | undefined,
    );
    process.stdout.write(`${json ? JSON.stringify(report, undefined, 2) : renderTable(report)}\n`);
    return report.rows.some(({ isUnsafe }) => isUnsafe) ? EXIT.failed : EXIT.ok;
  } catch (error) {
    if (error instanceof NoDialogue)
      return complain(
        `${where}: ${error.message}`,
        error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN' ? EXIT.noHost : EXIT.unavailable,
      );
    if (error instanceof NotServed) return complain(`${where}: ${JSON.stringify(error.message).slice(1, -1)}`, EXIT.unavailable);
    throw error;
  }
}

/** HOST:PORT, [IPV6]:PORT, or HOST alone for port 25. */
export function readPlace(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, six, name, port = '25'] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = six ?? name;
  const number = Number(port);
  return host !== undefined && number >= 1 && number <= 65_535 ? { host, port: number } : undefined;
}

function complain(text: string, code: number): number {
  process.stderr.write(`celeris: ${text}\n`);
  return code;
}
