/** Plays one case: the orderly dialogue up to its stage, its moves, QUIT, and the judgement of what was heard. */
import type { Finding, Heard, Move, ProbeCase, Stage, Subject } from './case.js';
import { Dialogue, type Target } from './dialogue.js';
import { worstOf } from './judge.js';
import type { ProbeReply } from './reply.js';
import { REPLY_MS } from './survey.js';

export interface Setting {
  readonly target: Target;
  readonly subject: Subject;
  readonly tlsOnly: boolean;
  /** Silence for so long behind a reply means that no further one comes. */
  readonly quietMs: number;
  readonly signal: AbortSignal;
}

/** A finding with the words it rests on: those of the last way that was tried. */
export interface Played extends Finding {
  readonly answer: string;
}

const CASE_MS = 25_000;
const BETWEEN_TRIES_MS = 1500;

/** Resolves always; what stands in the way is a finding of its own. */
export async function runCase(probe: ProbeCase, setting: Setting): Promise<Played> {
  const findings: Played[] = [];
  for (const moves of probe.ways(setting.subject)) {
    try {
      findings.push(await playWay(probe, moves, setting));
    } catch (error) {
      findings.push({ verdict: 'unclear', why: error instanceof Error ? error.message : String(error), answer: '' });
    }
  }
  const worst = worstOf(findings);
  return findings.find((finding) => finding === worst) ?? { ...worst, answer: '' };
}

async function playWay(probe: ProbeCase, moves: readonly Move[], setting: Setting): Promise<Played> {
  const signal = AbortSignal.any([setting.signal, AbortSignal.timeout(CASE_MS)]);
  const opened = await openDialogue(probe, setting, signal);
  if ('verdict' in opened) return opened;
  try {
    const heard = await makeMoves(opened, probe, moves, setting);
    const texts = heard.replies.slice(0, 3).map(({ text }) => text.split('\n', 1)[0] ?? '');
    return { ...probe.judge(heard, setting.subject), answer: texts.join(' / ') };
  } finally {
    opened.close();
  }
}

/** Up to the stage; a server that is busy (421) is asked once more. */
async function openDialogue(probe: ProbeCase, setting: Setting, signal: AbortSignal): Promise<Dialogue | Played> {
  for (let tries = 0; ; tries++) {
    const dialogue = await Dialogue.connect(setting.target, REPLY_MS, signal);
    const obstacle = await advance(dialogue, probe, setting);
    if (!obstacle) return dialogue;
    dialogue.close();
    if (obstacle.code !== 421 || tries > 0) {
      const said = obstacle.text === '' ? 'no answer' : obstacle.text;
      return { verdict: 'unclear', why: 'the way to this stage is closed', answer: said };
    }
    await new Promise((done) => setTimeout(done, BETWEEN_TRIES_MS));
  }
}

const STAGES: readonly Stage[] = ['connect', 'banner', 'ehlo', 'mail', 'rcpt', 'data'];

/** Says what an orderly client says; answers the reply that stands in the way. */
async function advance(dialogue: Dialogue, { stage, group }: ProbeCase, { subject, tlsOnly }: Setting): Promise<ProbeReply | undefined> {
  const last = STAGES.indexOf(stage);
  const expect = async (line: string | undefined, code: number): Promise<ProbeReply | undefined> => {
    if (line !== undefined) dialogue.send(`${line}\r\n`);
    const reply = (await dialogue.hear(REPLY_MS)) ?? { code: 0, text: '' };
    return reply.code === code ? undefined : reply;
  };
  const hello = `EHLO ${subject.helo}`;
  const lines: readonly (readonly [string | undefined, number])[] = [
    [undefined, 220],
    [hello, 250],
    [`MAIL FROM:<${subject.sender}>`, 250],
    [`RCPT TO:<${subject.recipient}>`, 250],
    ['DATA', 354],
  ];
  for (const [n, [line, code]] of lines.slice(0, last).entries()) {
    const obstacle = await expect(line, code);
    if (obstacle) return obstacle;
    if (n === 1 && tlsOnly && group !== 'starttls') {
      const closed =
        (await expect('STARTTLS', 220)) ?? ((await dialogue.secure(REPLY_MS)) ? await expect(hello, 250) : { code: 0, text: '' });
      if (closed) return closed;
    }
  }
  return undefined;
}

async function makeMoves(
  dialogue: Dialogue,
  { patienceMs = REPLY_MS }: ProbeCase,
  moves: readonly Move[],
  { quietMs }: Setting,
): Promise<Heard> {
  const began = performance.now();
  const replies: ProbeReply[] = [];
  let handshake: Heard['handshake'] = 'none';
  const hear = async (timeoutMs: number): Promise<boolean> => {
    const reply = await dialogue.hear(timeoutMs);
    if (reply) replies.push(reply);
    return reply !== undefined;
  };
  const settle = async (): Promise<void> => {
    while (await hear(quietMs));
  };
  let awaited = false;
  for (const move of moves) {
    if ('send' in move) {
      dialogue.send(move.send);
      awaited = true;
    } else if ('pauseMs' in move) await new Promise((done) => setTimeout(done, move.pauseMs));
    else if ('hear' in move) {
      for (let n = 0; n < move.hear; n++) if (!(await hear(patienceMs))) break;
      awaited = false;
    } else if ('settle' in move) await settle();
    else if (replies.at(-1)?.code === 220) handshake = (await dialogue.secure(REPLY_MS)) ? 'done' : 'failed';
    if (dialogue.isEnded) break;
  }
  if (awaited) await hear(patienceMs);
  await settle();
  const isClosed = dialogue.isEnded;
  let isStuck = false;
  if (!isClosed) {
    dialogue.send('QUIT\r\n');
    // The answer to QUIT is the last one: whatever was late comes before it.
    const until = began + CASE_MS;
    while (performance.now() < until && (await hear(replies.length === 0 ? patienceMs : REPLY_MS)) && replies.at(-1)?.code !== 221);
    isStuck = replies.at(-1)?.code !== 221 && !dialogue.isEnded;
    if (replies.at(-1)?.code === 221) replies.pop();
  }
  return { replies, isClosed, isStuck, handshake, tookMs: performance.now() - began };
}
