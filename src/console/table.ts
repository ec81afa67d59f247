/** Rows as aligned text for a terminal. */

export type Cell = string | number | boolean | null | undefined;

const clean = (cell: Cell): string => (cell === null || cell === undefined ? '' : String(cell).replace(/\p{Cc}/gu, '?'));

/** Columns with their titles; numbers stand right. An empty list gives the titles only. */
export function formatTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = rows.map((row) => row.map(clean));
  const widths = columns.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [format(columns), ...lines.map(format)].join('\n');
}

/** Names and values, one a line. */
export function formatPairs(pairs: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${clean(value)}`.trimEnd()).join('\n');
}

/** Rows of records with the same fields, as a table. */
export function formatRecords(rows: readonly Readonly<Record<string, Cell>>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return rows.length === 0
    ? '(none)'
    : formatTable(
        columns,
        rows.map((row) => columns.map((column) => row[column])),
      );
}
