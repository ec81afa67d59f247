/** One text of the configuration and places in it. */

/** A place: lines and columns count from 1, columns in UTF-16 units. */
export interface Spot {
  readonly source: Source;
  readonly line: number;
  readonly column: number;
}

/** A file's path as it was found, and its whole text. */
export class Source {
  readonly path: string;
  readonly text: string;
  #lines: readonly string[] | undefined;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  /** The text of a line without its end; empty when there is no such line. */
  lineAt(line: number): string {
    this.#lines ??= this.text.split(/\r\n|\n|\r/);
    return this.#lines[line - 1] ?? '';
  }
}

/** Where nodes come from that no file holds: they were made, not read. */
export const nowhere: Spot = { source: new Source('', ''), line: 0, column: 0 };
