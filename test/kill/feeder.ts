/** Sends numbered messages over kept connections and remembers which of them were acknowledged. */
import net from 'node:net';

export interface FeedOptions {
  readonly port: number;
  readonly host?: string;
  readonly connections?: number;
  /** Domain of the recipients m<number>@… (default one.test). */
  readonly domain?: string;
  /** Octets of a body, about (default 300). */
  readonly bytes?: number;
  /** Ends after so many messages; without it the load goes on until the daemon or `stop` ends it. */
  readonly count?: number;
}

/** A load that runs. */
export interface Feed {
  /** Resolves when all connections have ended, whoever ended them. */
  readonly done: Promise<void>;
  /** No further message is begun; what is under way is waited for. */
  stop(): Promise<void>;
}

/** The numbers handed out and the numbers acknowledged, over all feeds of a test. */
export class Feeder {
  readonly acknowledged = new Set<number>();
  /** Replies other than 250 to a message, with the number. */
  readonly refused = new Map<number, string>();
  /** Called at every 250. */
  heard: ((number: number) => void) | undefined;
  #next = 0;

  /** Numbers handed out so far are below this. */
  get next(): number {
    return this.#next;
  }

  /** Sends, and resolves when `count` messages are answered; rejects when the daemon ended the connections before. */
  async feed(options: FeedOptions & { readonly count: number }): Promise<void> {
    const before = this.acknowledged.size + this.refused.size;
    await this.start(options).done;
    const answered = this.acknowledged.size + this.refused.size - before;
    if (answered < options.count) throw new Error(`${answered} of ${options.count} messages were answered before the connections ended`);
  }

  start(options: FeedOptions): Feed {
    const { connections = 20, count = Number.POSITIVE_INFINITY } = options;
    const state = { left: count, stopped: false };
    const body = `Subject: numbered\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(Math.ceil((options.bytes ?? 300) / 72))}.\r\n`;
    const lines = Array.from({ length: connections }, () => this.#run(options, body, state));
    const done = Promise.all(lines).then(() => undefined);
    return {
      done,
      stop() {
        state.stopped = true;
        return done;
      },
    };
  }

  #run(options: FeedOptions, body: string, state: { left: number; stopped: boolean }): Promise<void> {
    const { domain = 'one.test' } = options;
    const socket = net.connect({ port: options.port, host: options.host ?? '127.0.0.1', noDelay: true });
    let rest = '';
    let number = -1;
    // Replies still to come before the next step: the greeting first.
    let step: 'greeting' | 'hello' | 'mail' | 'rcpt' | 'data' | 'message' | 'quit' = 'greeting';

    const begin = (): void => {
      if (state.stopped || state.left <= 0) {
        step = 'quit';
        socket.end('QUIT\r\n');
        return;
      }
      state.left -= 1;
      number = this.#next++;
      step = 'mail';
      socket.write(`MAIL FROM:<s${number}@sender.test>\r\nRCPT TO:<m${number}@${domain}>\r\nDATA\r\n`);
    };
    const hear = (reply: string): void => {
      const fine = reply.startsWith('2') || reply.startsWith('354');
      if (step === 'message') {
        if (reply.startsWith('250')) {
          this.acknowledged.add(number);
          this.heard?.(number);
        } else this.refused.set(number, reply);
        begin();
      } else if (step === 'quit') socket.destroy();
      else if (!fine) {
        if (number >= 0) this.refused.set(number, reply);
        socket.destroy();
      } else if (step === 'greeting') {
        step = 'hello';
        socket.write('EHLO feeder.test\r\n');
      } else if (step === 'hello') begin();
      else if (step === 'mail') step = 'rcpt';
      else if (step === 'rcpt') step = 'data';
      else {
        step = 'message';
        socket.write(body);
      }
    };

    return new Promise((resolve) => {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve());
      socket.on('data', (chunk: Buffer) => {
        rest += chunk.toString('latin1');
        for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
          const line = rest.slice(0, end);
          rest = rest.slice(end + 2);
          if (line[3] !== '-') hear(line);
        }
      });
    });
  }
}
