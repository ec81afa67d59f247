/** The page of all codes an operator may meet, from the catalogues. Pure. */
import { problemKinds } from '../../config/problem.js';
import type { Catalogues } from './catalogues.js';
import { code, formatMarkdownTable, formatPage } from './markdown.js';

/** Markdown of docs/reference/problems.md. */
export function renderProblems(catalogues: Catalogues): string {
  const sections = [...catalogues].flatMap(([room, kinds]) => [
    `## ${room}`,
    formatMarkdownTable(
      ['code', 'text', 'meaning'],
      kinds.map((kind) => [code(kind.code), kind.text.replaceAll('%s', '…'), kind.doc]),
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
