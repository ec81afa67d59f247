/** An SMTP server with the mistakes the probe looks for: any line end ends a line, any lone dot a message, and nothing is thrown away. */
import { once } from 'node:events';
import net from 'node:net';

export interface NaiveServer extends AsyncDisposable {
  readonly port: number;
  /** Messages it took for such, whole ones and halves. */
  readonly messages: readonly string[];
}

const NAME = 'naive.test';

/** Listens on a free port of 127.0.0.1. */
export async function startNaiveServer(): Promise<NaiveServer> {
  const messages: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    converse(socket, messages);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    port,
    messages,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function converse(socket: net.Socket, messages: string[]): void {
  let rest = '';
  let text: string[] | undefined;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  say(`220 ${NAME} ESMTP`);
  socket.on('data', (chunk) => {
    rest += chunk.toString('latin1');
    const lines = rest.split(/\r\n|\r|\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (text === undefined) {
        if (answer(line.replace(/\0.*$/s, ''))) text = [];
      } else if (line === '.') {
        messages.push(text.join('\n'));
        text = undefined;
        say('250 taken');
      } else text.push(line);
    }
  });

  /** Says whether a message begins. */
  function answer(line: string): boolean {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'DATA') say('354 go on');
    else if (verb === 'EHLO') socket.write(`250-${NAME}\r\n250-SIZE 1000000\r\n250-CHUNKING\r\n250 PIPELINING\r\n`);
    else if (verb === 'BDAT') say('503 no');
    else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
    } else say('250 fine');
    return verb === 'DATA';
  }
}
