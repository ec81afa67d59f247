/** The daemon's own words: to stderr by pino, to the `logged` hook for panic logs, and the last ones kept for the console. */
import pino from 'pino';
import type { Clock } from '../kernel/clock.js';
import { CodedError, codeOf } from '../kernel/problems.js';
import type { Level, LogRecord } from '../module/reports.js';

const KEPT = 10;
const PINO = { debug: 'debug', info: 'info', notice: 'info', warning: 'warn', error: 'error', critical: 'fatal' } as const;
const CONTROL = /\p{Cc}+/gu;

export class Journal {
  readonly #clock: Clock;
  readonly #pino: pino.Logger;
  readonly #last = new Map<Level, LogRecord[]>();
  /** Set when there are hooks to tell. */
  tell: (record: LogRecord) => void = () => {};

  /** `worker`: the number of this process among several, to be seen in each line. */
  constructor(clock: Clock, worker?: number) {
    this.#clock = clock;
    this.#pino = pino(
      { base: worker === undefined ? null : { worker }, level: process.env.CELERIS_LOG ?? 'info' },
      pino.destination({ dest: 2, sync: true }),
    );
  }

  /** Says something. The cause is for operators only. */
  say(level: Level, module: string, text: string, cause?: unknown): void {
    const why = cause === undefined ? '' : `: ${describeCause(cause)}`;
    this.record({ at: this.#clock.now(), level, module, text: `${text}${why}`.replace(CONTROL, ' ') });
  }

  record(record: LogRecord): void {
    this.#pino[PINO[record.level]]({ module: record.module }, record.text);
    this.hear(record);
  }

  /** Keeps and tells what another process of this daemon has written to stderr itself. */
  hear(record: LogRecord): void {
    const last = this.#last.get(record.level) ?? [];
    last.push(record);
    if (last.length > KEPT) last.shift();
    this.#last.set(record.level, last);
    this.tell(record);
  }

  /** The last records of each level, oldest first. */
  recent(): readonly LogRecord[] {
    return [...this.#last.values()].flat().sort((a, b) => a.at - b.at);
  }
}

/** An error with its code and the causes behind it, on one line. */
export function describeCause(error: unknown): string {
  const words: string[] = [];
  for (let at: unknown = error; at !== undefined && at !== null && words.length < 5; at = (at as { cause?: unknown }).cause) {
    const message = at instanceof Error ? at.message : String(at);
    words.push(at instanceof CodedError ? `${at.code} ${message}` : `${message}${message.includes(codeOf(at)) ? '' : ` (${codeOf(at)})`}`);
  }
  return words.join(' < ');
}
