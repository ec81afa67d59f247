/** A console session on the daemon's side: frames in, answers out, one after the other, until it is idle for too long. */
import type { Socket } from 'node:net';
import type { Watch } from '../kernel/watch.js';
import { type AskOthers, answerRequest, type CommandBook } from './dispatch.js';
import { type Answer, asRequest, encodeFrame, FrameReader, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES } from './frame.js';

/** A client that asks without reading answers is read no further. */
const MOST_WAITING = 64;

export interface ConsoleService {
  readonly book: CommandBook;
  /** The other workers; undefined when there are none. */
  readonly others?: AskOthers | undefined;
  readonly watch: Watch;
  mono(): number;
  /** Idle limit in milliseconds; 0 = none. */
  idleMs(): number;
  failed(error: unknown): void;
}

/** Serves one accepted connection. Answers what ends it. */
export function serveConsole(socket: Socket, service: ConsoleService): { close(): void } {
  const reader = new FrameReader(MAX_REQUEST_BYTES);
  const ended = new AbortController();
  const idle = { dueAt: 0, expire: () => socket.destroy() };
  let turn = Promise.resolve();
  let waiting = 0;

  const touch = (): void => {
    const limit = service.idleMs();
    idle.dueAt = limit > 0 ? service.mono() + limit : 0;
  };
  const serve = async (frame: unknown): Promise<void> => {
    const request = asRequest(frame);
    if (!request) return void socket.destroy();
    idle.dueAt = 0;
    const answer = await answerRequest(request, service.book, ended.signal, service.failed, service.others);
    touch();
    if (!socket.destroyed) socket.write(encodeAnswer(answer, service.failed));
    if (--waiting < MOST_WAITING) socket.resume();
  };

  service.watch.add(idle);
  touch();
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) {
        waiting++;
        turn = turn.then(() => serve(frame));
      }
      if (waiting >= MOST_WAITING) socket.pause();
    } catch {
      // Not our protocol: nothing to answer to.
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    ended.abort();
    service.watch.remove(idle);
  });
  return { close: () => socket.destroy() };
}

/** An answer that cannot be written, or is more than a client takes, becomes one that says so. */
function encodeAnswer(answer: Answer, failed: (error: unknown) => void): Buffer {
  const { id } = answer;
  try {
    const frame = encodeFrame(answer);
    return frame.length <= MAX_ANSWER_BYTES ? frame : encodeFrame({ id, ok: false, text: 'The answer is too large; ask for less of it.' });
  } catch (error) {
    failed(error);
    return encodeFrame({ id, ok: false, text: 'The answer cannot be written. See the panic log.' });
  }
}
