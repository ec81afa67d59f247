/** What the bench measures: a mail transfer daemon that takes mail at a port and hands it to a sink. */

export interface Subject {
  readonly name: string;
  /** Version, for the report. */
  readonly version: string;
  readonly port: number;
  /** Root of its process tree. */
  readonly pid: number;
  /** Messages it still has; 0 when everything was handed over and recorded. */
  waiting(): Promise<number>;
  /** Throws away whatever waits. */
  purge(): Promise<void>;
  /** Its last words, for when a measurement fails. */
  lastWords(): string;
  stop(): Promise<void>;
}

/** Starts a subject that relays everything to this port of 127.0.0.1. */
export type StartSubject = (sinkPort: number) => Promise<Subject>;
