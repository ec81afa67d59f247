/** The few forms of Markdown that the reference uses. Pure. */

/** Text inside a table cell. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export const code = (text: string): string => `\`${text}\``;

/** A table with a title row. */
export function formatMarkdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(titles), `|${titles.map(() => '---').join('|')}|`, ...rows.map((row) => line(row.map(cell)))].join('\n');
}

/** A page: its title, where it comes from, and its parts. */
export const formatPage = (title: string, ...parts: readonly string[]): string =>
  `# ${title}\n\n${[...parts, '*Written by `src/tools/write-reference.ts` from the sources; `npm run docs` brings it up to date.*'].join('\n\n')}\n`;
