/** One console command: declared once, and its help, completion, text and JSON follow. */
import type { Merge } from './merge.js';

/** Data first: what `json COMMAND` gives. Text is made from it. */
export interface Told {
  readonly data: unknown;
  readonly text: string;
}

export interface ConsoleCommand {
  /** Words that call it, e.g. "message details". */
  readonly name: string;
  /** How the arguments are written, e.g. "[full|body] MID". */
  readonly args?: string;
  /** One sentence. */
  readonly doc: string;
  /** It changes something. */
  readonly writes?: boolean;
  /** All workers run it, and this makes one answer of theirs. Without it the worker that was asked answers alone. */
  readonly merge?: Merge;
  run(args: readonly string[], signal: AbortSignal): Told | Promise<Told>;
}

/** The operator asked for something that cannot be: its words are the answer. */
export class CommandError extends Error {}

/** An answer that is only words. */
export const say = (text: string, data: unknown = { text }): Told => ({ text, data });
