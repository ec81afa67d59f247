/** The files of one logger: opened once each, counted, reopened together. */
import type { LineWriter, Row } from '#module';

interface Target {
  readonly writer: LineWriter;
  lines: number;
}

export class Targets {
  readonly #open: (uri: string, permissions: number) => LineWriter;
  readonly #targets = new Map<string, Target>();

  /** `open` finds a writer for a path or URI. */
  constructor(open: (uri: string, permissions: number) => LineWriter) {
    this.#open = open;
  }

  /** What writes lines there. */
  at(uri: string, permissions: number): (line: string) => void {
    const target = this.#targets.get(uri) ?? { writer: this.#open(uri, permissions), lines: 0 };
    this.#targets.set(uri, target);
    return (line) => {
      target.lines++;
      target.writer.line(line);
    };
  }

  async reopen(): Promise<void> {
    await Promise.all([...this.#targets.values()].map(({ writer }) => writer.reopen()));
  }

  rows(): readonly Row[] {
    return [...this.#targets].map(([log, { writer, lines }]) => ({ log, lines, waiting: writer.waiting ?? 0, dropped: writer.dropped }));
  }
}
