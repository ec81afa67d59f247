/** Mails that share one transaction, and what became of each. */
import { type Outcome, STAGE, type Stage } from '../../module/attempt.js';
import type { Copy } from '../../module/copy.js';

/** What became of one mail. `unsent` means that nobody was asked about it: it may go back to the queue as if nothing had been. */
export interface MailResult {
  outcome: Outcome | 'unsent';
  /** On one line, code first; empty while unsent. */
  reply: string;
  stage: Stage;
  /** Octets of the message handed to the socket. */
  bytes: number;
  /** The final dot went out and its answer never came. */
  possibleDuplicate: boolean;
}

/** One transaction: at least one mail, all with the same sender, header block and body. */
export class Batch {
  readonly mails: readonly Copy[];
  /** One per mail, in the same order. */
  readonly results: readonly MailResult[];
  /** For each mail whether its recipient was accepted; the mail is then waiting for the answer to the message. */
  readonly accepted: boolean[];
  acceptedCount = 0;
  /** Replies to RCPT so far; behind the dot of LMTP the index of the next mail to be answered. */
  answered = 0;
  /** MAIL was accepted. */
  open = false;

  constructor(mails: readonly Copy[]) {
    this.mails = mails;
    const { length } = mails;
    if (length === 1) {
      this.results = [newResult()];
      this.accepted = [false];
    } else {
      this.results = Array.from({ length }, newResult);
      this.accepted = new Array<boolean>(length).fill(false);
    }
  }

  /** Settles all mails that have no result yet. */
  settle(outcome: Outcome, reply: string, stage: Stage, possibleDuplicate = false): void {
    for (const result of this.results) {
      if (result.outcome === 'unsent') settleOne(result, outcome, reply, stage, possibleDuplicate);
    }
  }
}

const newResult = (): MailResult => ({ outcome: 'unsent', reply: '', stage: STAGE.idle, bytes: 0, possibleDuplicate: false });

export function settleOne(result: MailResult, outcome: Outcome, reply: string, stage: Stage, possibleDuplicate = false): void {
  result.outcome = outcome;
  result.reply = reply;
  result.stage = stage;
  result.possibleDuplicate = possibleDuplicate;
}

/** What a final reply means for a mail. Anything that is neither 2xx nor 5xx is tried again. */
export const outcomeOf = (code: number): Outcome => (code >= 200 && code < 300 ? 'delivered' : code >= 500 ? 'failed' : 'deferred');
