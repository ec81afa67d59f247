/** Generated SMTP sessions: groups of what may be pipelined, each ending where a client has to wait; and how they are held, cut anywhere. */
import fc from 'fast-check';

/** One side of a connection, over whatever. */
export interface Line {
  say(text: string): void;
  /** One whole reply; empty when the server closed instead. */
  hear(): Promise<string>;
  /** The handshake behind a 220. */
  secure(): Promise<void>;
  /** Passes when what was said has gone out as a packet of its own. */
  rest(): Promise<void>;
  close(): void;
}

/** Octets that may come in any packets; what comes next has to wait for all their replies. */
export interface Group {
  readonly text: string;
  /** Replies it gets. */
  readonly replies: number;
  /** Ends with STARTTLS: a handshake follows when the last reply is 220. */
  readonly secures?: true;
}

/** A name that no reply, message or command may hold where it was not listened to. */
export const EVIL = 'evil';

/** Commands of one reply each that may stand anywhere in a group, BDAT with its octets among them. */
export const commands = fc.constantFrom(
  'NOOP\r\n',
  'RSET\r\n',
  'VRFY x\r\n',
  'FOO bar\r\n',
  'MAIL FROM:<a@b.test>\r\n',
  'MAIL FROM:<broken\r\n',
  'MAIL FROM:<> SIZE=99999\r\n',
  'RCPT TO:<c@d.test>\r\n',
  'RCPT TO:<e@f.test> NOTIFY=NEVER\r\n',
  'RCPT TO:<e@f.test> FOO=1\r\n',
  'NO\0OP\r\n',
  'NOOP\n',
  `NOOP ${'x'.repeat(2100)}\r\n`,
  'BDAT 8\r\na: b\r\n\r\n',
  'BDAT 0\r\n',
  'BDAT 14\r\nQUIT\r\nRSET\r\nxy',
  'BDAT 5 LAST\r\nend\r\n',
  'HELP\r\n',
  'XFORWARD NAME=a ADDR=192.0.2.1\r\n',
  'XFORWARD FOO=a\r\n',
  'XSETCONTEXT a=b+20c\r\n',
  'XDUMPCONTEXT\r\n',
  'XREMOTEIP 127.0.0.1\r\n',
);

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The user and the password that a server under test may know. */
export const LOGIN = { user: 'tim', password: 'pencil' } as const;
const WRONG = base64('\0tim\0pen');
const RIGHT = base64(`\0${LOGIN.user}\0${LOGIN.password}`);

const open = (text: string, replies: number): Group => ({ text, replies });

const free = fc.array(commands, { minLength: 1, maxLength: 12 }).map((texts) => [open(texts.join(''), texts.length)]);

const contents = fc.constantFrom(
  'a: b\r\n\r\nbody\r\n.\r\n',
  'a: b\r\n\r\n..dot\r\n...\r\n.\r\n',
  'no header\r\n.\r\n',
  'a: b\r\n\r\nx\r.\r\n.\r\n',
  `a: b\r\n\r\n${'long body\r\n'.repeat(250)}.\r\n`,
);
const data = contents.map((text) => [open('RSET\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n', 4), open(text, 1)]);

/** Greets anew at the end of a group. */
const greeting = fc
  .tuple(fc.array(commands, { maxLength: 3 }), fc.constantFrom('EHLO again.test\r\n', 'HELO again.test\r\n', 'EHLO <x>\r\n'))
  .map(([before, hello]) => [open(before.join('') + hello, before.length + 1)]);

const login = fc.constantFrom<readonly Group[]>(
  [open(`RSET\r\nAUTH PLAIN ${WRONG}\r\n`, 2)],
  [open(`NOOP\r\nAUTH PLAIN ${RIGHT}\r\n`, 2)],
  [open('AUTH PLAIN\r\n', 1), open(`${RIGHT}\r\n`, 1)],
  [open('AUTH LOGIN\r\n', 1), open(`${base64(LOGIN.user)}\r\n`, 1), open(`${base64(LOGIN.password)}\r\n`, 1)],
  [open('AUTH LOGIN\r\n', 1), open('*\r\n', 1)],
  [open('AUTH PLAIN !!!!\r\n', 1)],
);

const encryption = fc
  .array(commands, { maxLength: 3 })
  .map((before): readonly Group[] => [
    { text: `${before.join('')}STARTTLS\r\n`, replies: before.length + 1, secures: true },
    open('EHLO client.test\r\n', 1),
  ]);

/** A session of at most `parts` parts behind its EHLO. */
export const sessions = (parts: number): fc.Arbitrary<readonly Group[]> =>
  fc
    .array(
      fc.oneof({ weight: 4, arbitrary: free }, { weight: 3, arbitrary: data }, greeting, login, { weight: 1, arbitrary: encryption }),
      { maxLength: parts },
    )
    .map((all) => [open('EHLO client.test\r\n', 1), ...all.flat()]);

/** Sizes of packets, taken in turn: some few, or every octet on its own. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constant([1]) },
);

function* cut(text: string, sizes: readonly number[]): Generator<string> {
  let at = 0;
  for (let n = 0; at < text.length; n++) {
    const size = sizes[n % sizes.length] ?? text.length;
    yield text.slice(at, at + size);
    at += size;
  }
}

/** Holds a session to its end and answers all replies; without sizes each group is one packet. */
export async function hold(line: Line, groups: readonly Group[], sizes: readonly number[] = []): Promise<string[]> {
  const heard: string[] = [];
  for (const { text, replies, secures } of groups) {
    for (const piece of cut(text, sizes)) {
      line.say(piece);
      await line.rest();
    }
    for (let n = 0; n < replies; n++) heard.push(await line.hear());
    if (secures && heard.at(-1)?.startsWith('220')) await line.secure();
  }
  line.close();
  return heard;
}

/** Commands that have to wait for a reply, with what makes them possible, whose replies are all 2xx. */
export const WAITERS: readonly { readonly before: readonly string[]; readonly command: string }[] = [
  { before: [], command: 'EHLO client.test\r\n' },
  { before: [], command: 'HELO client.test\r\n' },
  { before: ['MAIL FROM:<a@b.test>\r\n', 'RCPT TO:<c@d.test>\r\n'], command: 'DATA\r\n' },
  { before: [], command: 'AUTH LOGIN\r\n' },
  { before: [], command: 'AUTH PLAIN\r\n' },
  { before: [], command: `AUTH PLAIN ${RIGHT}\r\n` },
  { before: [], command: 'STARTTLS\r\n' },
];

/** What an attacker puts behind one of them: whole commands, halves, and octets. */
export const tails = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        `NOOP ${EVIL}\r\n`,
        `MAIL FROM:<${EVIL}@b.test>\r\n`,
        `RCPT TO:<${EVIL}@d.test>\r\n`,
        'DATA\r\n',
        `Subject: ${EVIL}\r\n\r\n${EVIL}\r\n.\r\n`,
        `EHLO ${EVIL}.test\r\n`,
        `BDAT 6 LAST\r\n${EVIL}\r\n`,
        `VRFY ${EVIL}`,
      ),
      fc.string({ minLength: 1, maxLength: 20 }),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((texts) => texts.join(''));
