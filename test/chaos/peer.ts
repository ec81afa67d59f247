/** A server that follows a script, good or bad: raw sockets, one function a connection, everything it did is counted. */
import net from 'node:net';

/** One connection as its script sees it. */
export interface Caller {
  readonly socket: net.Socket;
  /** Number of this connection, from 0. */
  readonly number: number;
  /** The next line without its end; undefined when the client has gone. */
  line(): Promise<string | undefined>;
  /** Everything up to the lonely dot, which is taken too; undefined when the client has gone. */
  message(): Promise<string | undefined>;
  /** Sends octets as they are. */
  say(text: string): void;
  /** Does nothing until the client goes. */
  silence(): Promise<void>;
  /** Closes politely (FIN). */
  hangUp(): void;
  /** Closes with RST. */
  reset(): void;
}

export type Script = (caller: Caller) => Promise<void>;

export interface Peer {
  readonly port: number;
  /** Connections that were made so far, and that are open now. */
  readonly accepted: number;
  readonly open: number;
  close(): Promise<void>;
}

/** Listens on a free port of `host`. */
export async function startPeer(script: Script, host = '127.0.0.1'): Promise<Peer> {
  const sockets = new Set<net.Socket>();
  let accepted = 0;
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    script(makeCaller(socket, accepted++)).catch(() => socket.destroy());
  });
  await new Promise<void>((ready) => server.listen(0, host, ready));
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
  };
}

function makeCaller(socket: net.Socket, number: number): Caller {
  let waiting = '';
  let ended = false;
  let notify: (() => void) | undefined;
  const rouse = (): void => {
    const wake = notify;
    notify = undefined;
    wake?.();
  };
  socket.on('data', (chunk) => {
    waiting += chunk.toString('latin1');
    rouse();
  });
  socket.on('close', () => {
    ended = true;
    rouse();
  });
  socket.on('end', () => {
    ended = true;
    rouse();
  });
  const until = async (end: string): Promise<string | undefined> => {
    for (;;) {
      const at = waiting.indexOf(end);
      if (at >= 0) {
        const found = waiting.slice(0, at);
        waiting = waiting.slice(at + end.length);
        return found;
      }
      if (ended) return undefined;
      await new Promise<void>((done) => {
        notify = done;
      });
    }
  };
  return {
    socket,
    number,
    line: () => until('\r\n'),
    async message() {
      // The line end of DATA stands before the message, so that an empty one ends like any other.
      waiting = `\r\n${waiting}`;
      const text = await until('\r\n.\r\n');
      return text?.slice(2);
    },
    say: (text) => void socket.write(text, 'latin1'),
    async silence() {
      while (!ended) {
        await new Promise<void>((done) => {
          notify = done;
        });
      }
    },
    hangUp: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
  };
}

export interface Manners {
  /** Lines of the answer to EHLO behind the first. */
  readonly keywords?: readonly string[];
  /** Answer to a command or to the message, by its first word (`MESSAGE` for the latter); undefined gives the normal one. */
  answer?(verb: string, line: string, caller: Caller): string | undefined | Promise<string | undefined>;
  /** Told of every message with its recipients. */
  received?(message: string, recipients: readonly string[], caller: Caller): void;
  readonly banner?: string;
}

const HANG = 'hang';
const FIN = 'fin';
const RST = 'rst';

/** Answers that are deeds: say nothing, close, reset. */
export const DEEDS = { HANG, FIN, RST } as const;

/** A server that behaves, except where `manners` say otherwise. */
export const polite =
  (manners: Manners = {}): Script =>
  async (caller) => {
    const keywords = manners.keywords ?? ['PIPELINING', '8BITMIME'];
    let recipients: string[] = [];
    /** False when the connection is to end. */
    const reply = async (verb: string, line: string, normal: string): Promise<boolean> => {
      const text = (await manners.answer?.(verb, line, caller)) ?? normal;
      if (text === HANG) {
        await caller.silence();
        return false;
      }
      if (text === FIN || text === RST) {
        if (text === FIN) caller.hangUp();
        else caller.reset();
        return false;
      }
      caller.say(text);
      return true;
    };
    if (!(await reply('BANNER', '', manners.banner ?? '220 peer.test ESMTP\r\n'))) return;
    for (;;) {
      const line = await caller.line();
      if (line === undefined) return;
      const verb = (line.split(' ', 1)[0] ?? '').toUpperCase();
      if (verb === 'EHLO' || verb === 'LHLO') {
        const lines = ['peer.test', ...keywords];
        const text = lines.map((word, i) => `250${i === lines.length - 1 ? ' ' : '-'}${word}\r\n`).join('');
        if (!(await reply(verb, line, text))) return;
      } else if (verb === 'DATA') {
        let answered = '';
        const noted = async (): Promise<boolean> => {
          answered =
            (await manners.answer?.('DATA', line, caller)) ?? (recipients.length > 0 ? '354 go ahead\r\n' : '503 5.5.1 nobody\r\n');
          if (answered === HANG || answered === FIN || answered === RST) {
            if (answered === HANG) await caller.silence();
            else if (answered === FIN) caller.hangUp();
            else caller.reset();
            return false;
          }
          caller.say(answered);
          return true;
        };
        if (!(await noted())) return;
        if (!answered.startsWith('354')) continue;
        const message = await caller.message();
        if (message === undefined) return;
        manners.received?.(message, recipients, caller);
        if (!(await reply('MESSAGE', message, '250 2.0.0 ok\r\n'))) return;
        recipients = [];
      } else if (verb === 'QUIT') {
        if (!(await reply(verb, line, '221 bye\r\n'))) return;
        caller.hangUp();
        return;
      } else {
        const text = (await manners.answer?.(verb, line, caller)) ?? '250 ok\r\n';
        if (text === HANG) return caller.silence();
        if (text === FIN) return caller.hangUp();
        if (text === RST) return caller.reset();
        if (verb === 'MAIL' || verb === 'RSET') recipients = [];
        if (verb === 'RCPT' && text.startsWith('2')) recipients.push(/<(.*)>/.exec(line)?.[1] ?? '');
        caller.say(text);
      }
    }
  };
