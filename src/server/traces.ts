/** Traces of outbound connections that operators asked for: every octet of new connections of a place, as lines in a file. */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Clock } from '../kernel/clock.js';
import type { Hop } from '../module/attempt.js';
import type { Place } from '../module/place.js';
import type { Trace } from '../smtp/client/terms.js';

/** What a slow disk may owe; what is more is left out. */
const MOST_UNWRITTEN = 4 * 1024 * 1024;
const MOST_TRACES = 100;
/** `!` tells why a connection ended that was to go on, or never stood. */
const SIGNS = { sent: '>', received: '<', failed: '!' } as const;

/** One tracer as operators see it. */
export interface TraceRow {
  readonly id: number;
  readonly binding: string;
  readonly domain: string;
  readonly file: string;
}

interface Tracer extends TraceRow {
  readonly stream: WriteStream;
}

export class Traces {
  readonly #clock: Clock;
  readonly #failed: (file: string, error: unknown) => void;
  readonly #tracers = new Map<number, Tracer>();
  #last = 0;

  /** `failed` hears of files that cannot be written; their trace ends. */
  constructor(clock: Clock, failed: (file: string, error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  /** Traces new connections of a binding to a domain, `*` for every one; answers its number, undefined when there are too many. */
  add(binding: string, domain: string, file: string, mode: number): number | undefined {
    if (this.#tracers.size >= MOST_TRACES) return undefined;
    const id = this.#last + 1;
    this.#open({ id, binding, domain, file }, mode);
    return id;
  }

  /** Has exactly these tracers from now on; those it has already go on. */
  follow(rows: readonly TraceRow[], mode: number): void {
    for (const id of this.#tracers.keys()) if (!rows.some((row) => row.id === id)) this.remove(id);
    for (const row of rows) if (!this.#tracers.has(row.id)) this.#open(row, mode);
  }

  #open(row: TraceRow, mode: number): void {
    const { id, file } = row;
    this.#last = Math.max(this.#last, id);
    const stream = createWriteStream(file, { flags: 'a', mode });
    stream.on('error', (error) => {
      this.#tracers.delete(id);
      this.#failed(file, error);
    });
    this.#tracers.set(id, { ...row, stream });
  }

  list(): readonly TraceRow[] {
    return [...this.#tracers.values()].map(({ id, binding, domain, file }) => ({ id, binding, domain, file }));
  }

  /** Ends a trace; false when there is none of this number. */
  remove(id: number): boolean {
    const tracer = this.#tracers.get(id);
    tracer?.stream.end();
    return this.#tracers.delete(id);
  }

  /** Who listens to a new connection; undefined when nobody does. */
  of(place: Place, hop: Hop, connection: string): Trace | undefined {
    if (this.#tracers.size === 0) return undefined;
    const meant = [...this.#tracers.values()].filter(
      ({ binding, domain }) => (binding === '*' || binding === place.binding) && (domain === '*' || domain === place.domain),
    );
    if (meant.length === 0) return undefined;
    return (direction, bytes) => {
      const head = `${new Date(this.#clock.now()).toISOString()} ${connection} ${place.binding} ${hop.ip}:${hop.port} ${SIGNS[direction]} `;
      const text = Buffer.from(bytes).toString('latin1');
      const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
      const written = lines.map((line) => `${head}${line.replace(/\p{Cc}/gu, '?')}\n`).join('');
      for (const { id, stream } of meant)
        if (this.#tracers.has(id) && stream.writableLength < MOST_UNWRITTEN) stream.write(written, 'latin1');
    };
  }
}
