/** The sink's server: smtp-server with scripted answers at every phase, also at the two where it has no handler (EHLO, greeting at once). */
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type tls from 'node:tls';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Phase, Reply, Rule, Script } from './rule.js';

type Connection = SMTPServer['connections'] extends Set<infer C> ? C : never;

/** An answer in the shape smtp-server takes: anything but a plain yes goes as an error with a code. */
export class Answer extends Error {
  readonly responseCode: number;

  constructor(reply: Reply) {
    super(reply.text);
    this.responseCode = reply.code;
  }
}

/** What a script asks for at one moment: an answer, silence, or the sink's own words (undefined). */
export type Ruling = Answer | 'silence' | undefined;

export class ScriptedServer extends SMTPServer {
  readonly script: Script;
  readonly #sockets = new Map<string, net.Socket>();
  readonly #stopped = new AbortController();
  readonly #delayMs: number;

  constructor(options: SMTPServerOptions, script: Script, greetingDelayMs: number) {
    super(options);
    this.script = script;
    this.#delayMs = greetingDelayMs;
  }

  override connect(socket: net.Socket | tls.TLSSocket, options?: Parameters<SMTPServer['connect']>[1]): void {
    super.connect(socket, options);
    const connection = [...this.connections].at(-1);
    if (!connection) return;
    this.#sockets.set(connection.id, socket);
    socket.once('close', () => this.#sockets.delete(connection.id));
    this.#greetSoon(connection);
    this.#askAtHello(connection);
  }

  /** What the script says at this moment, after the wait it asks for; closing is arranged here too. */
  async rule(phase: Phase, sessionId: string, subjects: readonly string[]): Promise<Ruling> {
    const rule = this.script.take(phase, subjects);
    if (!rule) return undefined;
    if (rule.delaySeconds !== undefined) {
      await sleep(rule.delaySeconds * 1000, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined);
      if (this.#stopped.signal.aborted) return 'silence';
    }
    return this.#carryOut(rule, sessionId);
  }

  /** Stops listening and ends every connection at once. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const closed = new Promise<void>((resolve) => this.close(() => resolve()));
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  #carryOut(rule: Rule, sessionId: string): Ruling {
    const socket = this.#sockets.get(sessionId);
    if (rule.end === 'hang') return 'silence';
    if (rule.end === 'drop') {
      socket?.destroy();
      return 'silence';
    }
    // smtp-server writes the answer in the same turn in which its callback is called, so the end comes behind it.
    if (rule.end === 'close') setImmediate(() => setImmediate(() => socket?.end()));
    return rule.reply && new Answer(rule.reply);
  }

  // smtp-server waits 100 ms before each greeting to catch early talkers; a sink has nobody to catch.
  #greetSoon(connection: Connection): void {
    const greet = connection.connectionReady.bind(connection);
    let greeted = false;
    connection.connectionReady = (next) => {
      if (greeted) return;
      greeted = true;
      greet(next);
    };
    setTimeout(() => connection.connectionReady(), this.#delayMs).unref();
  }

  #askAtHello(connection: Connection): void {
    for (const name of ['handler_EHLO', 'handler_HELO'] as const) {
      const answer = connection[name].bind(connection);
      connection[name] = (command, callback) => {
        const said = command.toString().trim().split(/\s+/)[1] ?? '';
        void this.rule('ehlo', connection.id, [said]).then((ruling) => {
          if (ruling === 'silence') return;
          if (!ruling || ruling.responseCode < 300) return answer(command, callback);
          connection.send(ruling.responseCode, ruling.message, false);
          callback();
        });
      };
    }
  }
}
