/** A name server on loopback, UDP and TCP on one port, that says whatever a test wants, true or not. */
import dgram from 'node:dgram';
import net from 'node:net';
import { decode } from 'dns-packet';

export interface Question {
  readonly name: string;
  readonly type: string;
  readonly tcp: boolean;
  readonly query: Buffer;
  /** Port the question came from. */
  readonly from: number;
  /** Sends octets back: a datagram, or a framed message over TCP. */
  send(bytes: Buffer): void;
  /** Sends octets as they are; over TCP without the length. */
  sendRaw(bytes: Buffer): void;
  /** Ends the TCP connection. */
  hangUp(): void;
}

export class NameServerAt {
  readonly port: number;
  readonly asked: Question[] = [];
  readonly #udp: dgram.Socket;
  readonly #tcp: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(udp: dgram.Socket, tcp: net.Server, port: number) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = port;
  }

  /** Listens on 127.0.0.1; `tcp: false` leaves that port closed. */
  static async open(answer: (question: Question) => void, { tcp: withTcp = true } = {}): Promise<NameServerAt> {
    for (;;) {
      const udp = dgram.createSocket('udp4');
      await new Promise<void>((done) => udp.bind(0, '127.0.0.1', done));
      const { port } = udp.address();
      const tcp = net.createServer();
      const bound =
        !withTcp ||
        (await new Promise<boolean>((done) => tcp.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true))));
      if (!bound) {
        udp.close();
        continue;
      }
      const server = new NameServerAt(udp, tcp, port);
      server.#serve(answer);
      return server;
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((done) => this.#udp.close(done));
    if (this.#tcp.listening) await new Promise((done) => this.#tcp.close(done));
  }

  #serve(answer: (question: Question) => void): void {
    const ask = (question: Question): void => {
      this.asked.push(question);
      answer(question);
    };
    this.#udp.on('message', (query, { port, address }) => {
      const send = (bytes: Buffer): void => this.#udp.send(bytes, port, address);
      ask({ ...read(query), tcp: false, query, from: port, send, sendRaw: send, hangUp: () => undefined });
    });
    this.#tcp.on('connection', (socket) => {
      this.#sockets.add(socket);
      let received = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
        const query = received.subarray(2, 2 + received.readUInt16BE(0));
        received = Buffer.alloc(0);
        const sendRaw = (bytes: Buffer): void => void socket.write(bytes);
        const send = (bytes: Buffer): void => sendRaw(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]));
        ask({ ...read(query), tcp: true, query, from: socket.remotePort ?? 0, send, sendRaw, hangUp: () => socket.destroy() });
      });
    });
  }
}

function read(query: Buffer): { name: string; type: string } {
  const { name = '', type = '' } = decode(query).questions?.[0] ?? {};
  return { name, type };
}
