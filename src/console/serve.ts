/** A console session on the daemon's side: frames in, answers out, one after the other, until it is idle for too long. */
import type { Socket } from 'node:net';
import type { Watch } from '../kernel/watch.js';
import { answerRequest, type CommandBook } from './dispatch.js';
import { asRequest, encodeFrame, FrameReader, MAX_REQUEST_BYTES } from './frame.js';

export interface ConsoleService {
  readonly book: CommandBook;
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

  const touch = (): void => {
    const limit = service.idleMs();
    idle.dueAt = limit > 0 ? service.mono() + limit : 0;
  };
  const serve = async (frame: unknown): Promise<void> => {
    const request = asRequest(frame);
    if (!request) return void socket.destroy();
    idle.dueAt = 0;
    const answer = await answerRequest(request, service.book, ended.signal, service.failed);
    touch();
    if (!socket.destroyed) socket.write(encodeFrame(answer));
  };

  service.watch.add(idle);
  touch();
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) turn = turn.then(() => serve(frame));
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
