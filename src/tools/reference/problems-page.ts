/** The page of all codes an operator may meet, from the catalogues. Pure. */
import { problemKinds } from '../../config/problem.js';
import type { ProblemKind } from '../../kernel/problems.js';
import { problems as moduleProblems } from '../../module/problems.js';
import { problems as netProblems } from '../../net/problems.js';
import { problems as queueProblems } from '../../queue/problems.js';
import { problems as privilegesProblems } from '../../server/privileges.js';
import { problems as writerProblems } from '../../server/writers.js';
import { problems as spoolProblems } from '../../spool/problems.js';
import { code, formatMarkdownTable, formatPage } from './markdown.js';

/** Every catalogue, by the name it is declared under. */
export const catalogues: Readonly<Record<string, Readonly<Record<string, { readonly kind: ProblemKind }>>>> = {
  module: moduleProblems,
  net: netProblems,
  privileges: privilegesProblems,
  queue: queueProblems,
  spool: spoolProblems,
  writer: writerProblems,
};

/** Markdown of docs/reference/problems.md. */
export function renderProblems(): string {
  const sections = Object.entries(catalogues).flatMap(([room, kinds]) => [
    `## ${room}`,
    formatMarkdownTable(
      ['code', 'text', 'meaning'],
      Object.values(kinds).map(({ kind }) => [code(kind.code), kind.text.replaceAll('%s', '…'), kind.doc]),
    ),
  ]);
  return formatPage(
    'Problems',
    'Codes of errors, as they stand in the panic log, in what `celeris check` prints and in answers of the console. The text is what anybody may read; the cause behind it stands in the log only. `…` is filled in.',
    '## config',
    'Mistakes in a configuration are told all at once, each with its file, line and column.',
    formatMarkdownTable(
      ['code', 'meaning'],
      Object.entries(problemKinds).map(([name, doc]) => [code(`CONFIG_${name}`), doc]),
    ),
    ...sections,
  );
}
