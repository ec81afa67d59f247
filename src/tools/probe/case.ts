/** What one case of the matrix is: bytes that go out at a stage of an orderly dialogue, and the judgement of what came back. */
import type { ProbeReply } from './reply.js';

/** `splits` read one thing as two; `accepts` took what it should not; `safe` did no harm without a refusal; `unclear` could not be seen. */
export type Verdict = 'safe' | 'refuses' | 'accepts' | 'splits' | 'unclear';

export interface Finding {
  readonly verdict: Verdict;
  /** One sentence without a full stop. */
  readonly why: string;
}

/** How far the dialogue has gone, in order, before the bad input: `connect` does not even wait for the banner. */
export type Stage = 'connect' | 'banner' | 'ehlo' | 'mail' | 'rcpt' | 'data';

/** Octets as latin1 in one write; a wait for so many replies; a pause; the handshake, when the last reply was 220; silence. */
export type Move =
  | { readonly send: string }
  | { readonly hear: number }
  | { readonly pauseMs: number }
  | { readonly secure: true }
  | { readonly settle: true };

/** The server under test, as the first look found it. */
export interface Subject {
  /** Inside angle brackets; empty is the null sender. */
  readonly sender: string;
  /** Where messages may go; empty when nobody was named. */
  readonly recipient: string;
  /** Argument of EHLO. */
  readonly helo: string;
  /** A word that marks this run. */
  readonly mark: string;
  readonly banner: string;
  readonly keywords: ReadonlyMap<string, string>;
  /** The dialogue is encrypted at stage `ehlo` and behind it. */
  readonly isEncrypted: boolean;
}

/** What a case heard from its first move on. */
export interface Heard {
  /** Without the answer to our QUIT. */
  readonly replies: readonly ProbeReply[];
  /** The server closed before we said QUIT. */
  readonly isClosed: boolean;
  /** It did not close within the time of the case, QUIT or not. */
  readonly isStuck: boolean;
  readonly handshake: 'none' | 'done' | 'failed';
  /** From the first move to the end. */
  readonly tookMs: number;
}

export type Judge = (heard: Heard, subject: Subject) => Finding;

export type Group =
  | 'end of data'
  | 'commands'
  | 'envelope'
  | 'size'
  | 'sequence'
  | 'pipelining'
  | 'chunks'
  | 'starttls'
  | 'auth'
  | 'strangers'
  | 'content'
  | 'disclosure';

export interface ProbeCase {
  /** Unique, kebab-case. */
  readonly id: string;
  readonly group: Group;
  /** What is sent, for people. */
  readonly input: string;
  /** Where it is written that this matters: an RFC section, a CVE. */
  readonly reference: string;
  readonly stage: Stage;
  /** EHLO keyword without which there is nothing to try. */
  readonly needs?: 'STARTTLS' | 'CHUNKING' | 'SIZE';
  /** What taking the input means: `unsafe` fails the run, `weak` (the default) is only told. */
  readonly acceptance?: 'unsafe' | 'weak';
  /** How long to wait for a first reply where silence is an answer. */
  readonly patienceMs?: number;
  /** Each way is a connection of its own; the worst finding counts. */
  ways(subject: Subject): readonly (readonly Move[])[];
  readonly judge: Judge;
}

/** Stages from which on a recipient is needed. */
export const needsRecipient = ({ stage }: ProbeCase): boolean => stage === 'rcpt' || stage === 'data';

/** A single way: everything in one write. */
export const inOnePacket = (bytes: string): (() => readonly (readonly Move[])[]) => {
  const ways = [[{ send: bytes }]];
  return () => ways;
};
