/** Tags of a reception's record. They are on disks: a number once given keeps its meaning, new ones are added at the end. */

export const TAG = { txn: 1, blocks: 2, body: 3, copy: 4, commit: 5, movedFrom: 6, end: 7 } as const;

export const TXN = {
  batch: 1,
  connection: 2,
  protocol: 3,
  source: 4,
  local: 5,
  receivedAt: 6,
  sender: 7,
  facts: 8,
  helo: 9,
  user: 10,
  pathway: 11,
  utf8: 12,
  envelope: 13,
  ret: 14,
  requireTls: 15,
} as const;

/** `file`, `crc`: a body in a file of its own. */
export const BODY = { size: 1, flags: 2, file: 3, crc: 4 } as const;
export const BODY_FLAG = { dots: 1, eightBit: 2 } as const;

/** `txn`, `body`, `block` number the transactions, bodies and header blocks of the record, from 0; absent means 0. */
export const COPY = {
  id: 1,
  recipient: 2,
  place: 3,
  block: 4,
  facts: 5,
  notify: 6,
  original: 7,
  priority: 8,
  attempts: 9,
  next: 10,
  reply: 11,
  quarantined: 12,
  notice: 13,
  txn: 14,
  body: 15,
} as const;
