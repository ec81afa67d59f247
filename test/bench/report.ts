/** Puts measured results between marks into a document, so that what stands around them stays. */
import { printTable, type Row } from './table.js';

export interface Report {
  readonly rows: readonly Row[];
  readonly said: readonly string[];
  readonly versions: readonly string[];
  readonly began: Date;
  /** The command that made it. */
  readonly call: string;
  readonly pairs: number;
  readonly machine: string;
}

/** The document with the section `name` replaced; added at the end when it has no marks yet. */
export function writeReport(document: string, name: string, report: Report): string {
  const [open, close] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const section = [open, ...linesOf(report), close].join('\n');
  const start = document.indexOf(open);
  const end = document.indexOf(close);
  if (start >= 0 && end > start) return document.slice(0, start) + section + document.slice(end + close.length);
  return `${document === '' ? '# Performance\n\n' : `${document.trimEnd()}\n\n`}${section}\n`;
}

function linesOf({ rows, said, versions, began, call, pairs, machine }: Report): string[] {
  return [
    `\`${call}\`, ${began.toISOString().slice(0, 16).replace('T', ' ')} UTC, on ${machine}; ${versions.join(', ')}; medians of ${pairs} pair${pairs === 1 ? '' : 's'}.`,
    '',
    printTable(rows),
    ...(said.length > 0 ? ['', ...said.map((line) => `- ${line}`)] : []),
  ];
}
