/** The operator's side of the console: connects to a unix path or host:port and asks. */
import net from 'node:net';
import { type Answer, asAnswer, encodeFrame, FrameReader, MAX_ANSWER_BYTES } from './frame.js';

/** Where the console listens: a path, or host and port. */
export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

/** "/run/celeris.sock", "127.0.0.1:2025", "[::1]:2025". */
export function parseEndpoint(text: string): Endpoint | undefined {
  const tcp = /^(?:\[([^\]]+)\]|([^/:[\]]+)):(\d{1,5})$/.exec(text);
  const host = tcp?.[1] ?? tcp?.[2];
  if (tcp && host !== undefined) return { host, port: Number(tcp[3]) };
  return text === '' ? undefined : { path: text };
}

export class ConsoleClient {
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, { done: (answer: Answer) => void; fail: (error: Error) => void }>();
  #next = 1;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    const reader = new FrameReader(MAX_ANSWER_BYTES);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) this.#take(asAnswer(frame));
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    socket.on('error', (error) => this.#failAll(error));
    socket.on('close', () => this.#failAll(new Error('the daemon closed the connection')));
  }

  static connect(endpoint: Endpoint, timeoutMs = 5000): Promise<ConsoleClient> {
    return new Promise((done, fail) => {
      const socket = net.connect('path' in endpoint ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port });
      const timer = setTimeout(() => socket.destroy(new Error('no answer from the console')), timeoutMs);
      const stop = (error: Error): void => {
        clearTimeout(timer);
        fail(error);
      };
      socket.once('error', stop);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeListener('error', stop);
        done(new ConsoleClient(socket));
      });
    });
  }

  /** Asks one command. Rejects when the connection ends first. */
  ask(command: string, json = false): Promise<Answer> {
    const id = this.#next++;
    return new Promise((done, fail) => {
      if (this.#socket.destroyed) return fail(new Error('the daemon closed the connection'));
      this.#waiting.set(id, { done, fail });
      this.#socket.write(encodeFrame({ id, command, json }));
    });
  }

  close(): void {
    this.#socket.end();
  }

  #take(answer: Answer | undefined): void {
    if (!answer) return;
    this.#waiting.get(answer.id)?.done(answer);
    this.#waiting.delete(answer.id);
  }

  #failAll(error: Error): void {
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }
}
