/** The states of an SMTP session, as numbers. */

/** Who is asked right now; nothing more is read from the client until the answer is there. */
export const STEP = {
  none: 0,
  accept: 1,
  connect: 2,
  ehlo: 3,
  mail: 4,
  rcpt: 5,
  data: 6,
  chunk: 7,
  content: 8,
  message: 9,
  store: 10,
  auth: 11,
} as const;
export type Step = (typeof STEP)[keyof typeof STEP];

/** What the next octets are. */
export const MODE = { command: 0, data: 1, chunk: 2, proxy: 3 } as const;
export type Mode = (typeof MODE)[keyof typeof MODE];

/** Reception states as the rejection log numbers them. */
export const PHASE = {
  connected: 0,
  banner: 1,
  awaitHelo: 2,
  sayHelo: 3,
  awaitMail: 4,
  sayMail: 5,
  awaitRcpt: 6,
  sayRcpt: 7,
  body: 9,
  sayBody: 10,
  concurrency: 18,
  rcptList: 19,
} as const;
