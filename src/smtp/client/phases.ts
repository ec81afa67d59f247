/** The steps of a transaction, with the stage that logs name and the words for a server that is silent in it. */
import { STAGE, type Stage } from '../../module/attempt.js';
import { WORDS } from './words.js';

/** `void` awaits the answer to an empty message that stands for nobody. */
export type Step = 'idle' | 'rset' | 'mail' | 'rcpt' | 'data' | 'body' | 'dot' | 'void';

/** Stage of an attempt that ends without an answer in this step. */
export const STAGES: Readonly<Record<Step, Stage>> = {
  idle: STAGE.idle,
  rset: STAGE.duringRset,
  mail: STAGE.duringMailFrom,
  rcpt: STAGE.duringRcptTo,
  data: STAGE.duringData,
  body: STAGE.sendingBody,
  dot: STAGE.readingConfirmation,
  void: STAGE.duringData,
};

/** What is said in the server's stead. */
export const SILENCES: Readonly<Record<Step, string>> = {
  idle: WORDS.closed,
  rset: WORDS.noRset,
  mail: WORDS.noMailFrom,
  rcpt: WORDS.noRcptTo,
  data: WORDS.noData,
  body: WORDS.bodyFailed,
  dot: WORDS.noBody,
  void: WORDS.noData,
};
