/** Calls over a channel: told or asked by name, answered by name, with an end to every wait. */
import { type Clock, systemClock } from '../../kernel/clock.js';
import { declareProblems } from '../../kernel/problems.js';
import type { Channel, PassedHandle } from './channel.js';

export const problems = declareProblems('line', {
  GONE: { text: 'the other process has ended', doc: 'A worker or the supervisor ended before it answered.' },
  LATE: { text: 'no answer to %s within %s s', doc: 'A worker or the supervisor is too busy to answer.' },
  FAILED: { text: '%s', doc: 'The other process could not do what it was asked for; its words say why.' },
});

/** What one side can be told or asked: a function for each name. An answer may be a promise. */
export type Verbs = Readonly<Record<string, (body: never, handle?: PassedHandle) => unknown>>;

type BodyOf<F> = F extends (body: infer B, ...rest: never[]) => unknown ? B : never;
type AnswerOf<F> = F extends (...args: never[]) => infer A ? Awaited<A> : never;

interface Frame {
  readonly verb?: string;
  /** There when an answer is waited for, and in the answer. */
  readonly id?: number;
  readonly body?: unknown;
  /** In an answer: it is an error's words. */
  readonly failed?: string;
}

interface Waiting {
  done(answer: unknown): void;
  fail(error: Error): void;
}

const LIMIT_MS = 60_000;

/** One end. `Theirs` is what the other side understands. */
export class Line<Theirs extends Verbs> {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #closed = false;

  constructor(channel: Channel, ours: Verbs, clock: Clock = systemClock) {
    this.#channel = channel;
    this.#clock = clock;
    channel.onMessage((message, handle) => this.#take(message as Frame, ours, handle));
    channel.onClose(() => this.close());
  }

  tell<K extends keyof Theirs & string>(verb: K, body: BodyOf<Theirs[K]>, handle?: PassedHandle): void {
    if (!this.#closed) this.#channel.send({ verb, body }, handle);
  }

  /** Rejects with a coded problem when the other side refuses, ends, or is silent for `limitMs`. */
  ask<K extends keyof Theirs & string>(verb: K, body: BodyOf<Theirs[K]>, limitMs = LIMIT_MS): Promise<AnswerOf<Theirs[K]>> {
    if (this.#closed) return Promise.reject(problems.GONE());
    const id = this.#next++;
    return new Promise((done, fail) => {
      const timer = this.#clock.after(limitMs, () => {
        this.#waiting.delete(id);
        fail(problems.LATE(verb, String(limitMs / 1000)));
      });
      this.#waiting.set(id, {
        done: (answer) => {
          timer.cancel();
          // The verb's declaration says what its answer is.
          done(answer as AnswerOf<Theirs[K]>);
        },
        fail: (error) => {
          timer.cancel();
          fail(error);
        },
      });
      this.#channel.send({ verb, id, body });
    });
  }

  /** Nothing arrives any more; who waits hears so. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { fail } of this.#waiting.values()) fail(problems.GONE());
    this.#waiting.clear();
  }

  #take(frame: Frame, ours: Verbs, handle: PassedHandle | undefined): void {
    if (this.#closed) return;
    if (frame.verb === undefined) this.#settle(frame);
    else void this.#serve(frame, ours[frame.verb], handle);
  }

  #settle({ id = 0, body, failed }: Frame): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failed === undefined) waiting?.done(body);
    else waiting?.fail(problems.FAILED(failed));
  }

  #serve({ id, body }: Frame, verb: Verbs[string] | undefined, handle: PassedHandle | undefined): void {
    if (!verb) return;
    // What is only told must not wait a turn: its order counts.
    if (id === undefined) {
      verb(body as never, handle);
      return;
    }
    Promise.resolve()
      .then(() => verb(body as never, handle))
      .then(
        (answer) => this.#channel.send({ id, body: answer }),
        (error: unknown) => this.#channel.send({ id, failed: error instanceof Error ? error.message : String(error) }),
      );
  }
}
