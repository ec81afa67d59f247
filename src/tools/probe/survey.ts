/** The first look at a server: who it is, what it offers, and whether it takes a well-formed message from us at all. */
import type { Subject } from './case.js';
import { Dialogue, type Target } from './dialogue.js';
import { NOTE, writeHead } from './message.js';
import { readKeywords } from './reply.js';

export interface Wishes {
  readonly target: Target;
  /** Without it no case that sends a message is run. */
  readonly recipient?: string;
  readonly sender?: string;
  readonly helo?: string;
  /** STARTTLS before every case that does not test it. */
  readonly tlsOnly: boolean;
  readonly mark: string;
}

export interface Survey {
  readonly subject: Subject;
  /** Why no message can be tried; empty when one was taken. */
  readonly mailTrouble: string;
  /** Slowest answer of the look, the measure of how long silence has to last before it means something. */
  readonly slowestMs: number;
}

/** The server does not speak SMTP with us. */
export class NotServed extends Error {}

export const REPLY_MS = 8000;

/** Connects, looks and says QUIT. Rejects with NoDialogue or NotServed. */
export async function survey(wishes: Wishes, signal: AbortSignal): Promise<Survey> {
  const dialogue = await Dialogue.connect(wishes.target, REPLY_MS, signal);
  let slowestMs = 0;
  const ask = async (line?: string) => {
    const began = performance.now();
    if (line !== undefined) dialogue.send(`${line}\r\n`);
    const reply = await dialogue.hear(REPLY_MS);
    // The banner may be late on purpose, and so may the end of a message.
    if (line?.endsWith('\n.') === false) slowestMs = Math.max(slowestMs, performance.now() - began);
    return reply ?? { code: 0, text: '' };
  };
  try {
    const banner = await ask();
    if (banner.code !== 220) throw new NotServed(banner.text === '' ? 'no banner came' : `in place of a banner came ${banner.text}`);
    const helo = wishes.helo ?? literalOf(dialogue.localAddress);
    let hello = await ask(`EHLO ${helo}`);
    if (hello.code !== 250) throw new NotServed(`EHLO was answered by ${hello.text || 'nothing'}`);
    if (wishes.tlsOnly) {
      if ((await ask('STARTTLS')).code !== 220 || !(await dialogue.secure(REPLY_MS))) throw new NotServed('STARTTLS did not succeed');
      hello = await ask(`EHLO ${helo}`);
    }
    const subject: Subject = {
      sender: wishes.sender ?? '',
      recipient: wishes.recipient ?? '',
      helo,
      mark: wishes.mark,
      banner: banner.text,
      keywords: readKeywords(hello),
      isEncrypted: wishes.tlsOnly || wishes.target.implicitTls,
    };
    const mailTrouble = subject.recipient === '' ? 'needs --recipient' : await trySending(subject, ask);
    dialogue.send('QUIT\r\n');
    await dialogue.hear(1000);
    return { subject, mailTrouble, slowestMs };
  } finally {
    dialogue.close();
  }
}

async function trySending(
  subject: Subject,
  ask: (line: string) => Promise<{ readonly code: number; readonly text: string }>,
): Promise<string> {
  const lines = [`MAIL FROM:<${subject.sender}>`, `RCPT TO:<${subject.recipient}>`, 'DATA', `${writeHead(subject, 'well-formed')}${NOTE}.`];
  for (const line of lines) {
    const { code, text } = await ask(line);
    if (code < 200 || code >= 400) return `a well-formed message is not taken either: ${text || 'no answer'}`;
  }
  return '';
}

/** An address as RFC 5321 4.1.3 wants it in EHLO. */
function literalOf(address: string): string {
  const plain = address.replace(/^::ffff:/, '');
  return plain.includes(':') ? `[IPv6:${plain}]` : `[${plain}]`;
}
