/** Name servers over real sockets: for each query a UDP socket of its own, so that every one has another random port. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import type { SocketBuffers } from '../module/service.js';
import { type NameServer, type Wire, WireError } from './wire.js';

/** Datagrams that do not fit before we believe that somebody is guessing. */
const MOST_STRAY = 32;
const PREFIX = 2;
const HEADER = 12;

/** The kernel gives each socket a random port and, since it is connected, lets only the server's datagrams in. */
export class SocketWire implements Wire {
  /** Kernel buffers to ask for; undefined leaves what the kernel gives. */
  buffers: SocketBuffers | undefined;

  /** Opens a socket to a server as a query would, without a word, and reads what the kernel gave. */
  async measure({ ip, port }: NameServer): Promise<SocketBuffers> {
    const socket = dgram.createSocket(net.isIPv6(ip) ? 'udp6' : 'udp4');
    try {
      socket.connect(port, ip);
      await once(socket, 'connect');
      if (this.buffers) size(socket, this.buffers);
      return { send: socket.getSendBufferSize(), receive: socket.getRecvBufferSize() };
    } finally {
      socket.close();
    }
  }

  udp({ ip, port }: NameServer, query: Buffer, fits: (datagram: Buffer) => boolean, signal: AbortSignal): Promise<Buffer> {
    return new Promise((done, fail) => {
      const socket = dgram.createSocket(net.isIPv6(ip) ? 'udp6' : 'udp4');
      let stray = 0;
      let over = false;
      const finish = (error: unknown, answer?: Buffer): void => {
        if (over) return;
        over = true;
        signal.removeEventListener('abort', leave);
        socket.close();
        if (answer) done(answer);
        else fail(error);
      };
      const leave = (): void => finish(signal.reason);
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      socket.on('error', (cause) => finish(new WireError('unreachable', { cause })));
      socket.on('message', (datagram) => {
        if (fits(datagram)) finish(undefined, datagram);
        else if (++stray >= MOST_STRAY) finish(new WireError('flooded'));
      });
      socket.once('connect', () => {
        if (over) return;
        if (this.buffers) size(socket, this.buffers);
        socket.send(query, (cause) => cause && finish(new WireError('unreachable', { cause })));
      });
      socket.connect(port, ip);
    });
  }

  tcp({ ip, port }: NameServer, query: Buffer, signal: AbortSignal): Promise<Buffer> {
    return new Promise((done, fail) => {
      const socket = net.connect({ host: ip, port });
      const chunks: Buffer[] = [];
      let received = 0;
      let over = false;
      const finish = (error: unknown, answer?: Buffer): void => {
        if (over) return;
        over = true;
        signal.removeEventListener('abort', leave);
        socket.destroy();
        if (answer) done(answer);
        else fail(error);
      };
      const leave = (): void => finish(signal.reason);
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      socket.on('error', (cause) => finish(new WireError(received > 0 ? 'closed' : 'unreachable', { cause })));
      socket.on('close', () => finish(new WireError('closed')));
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        received += chunk.length;
        // The prefix may come octet by octet; after it the chunks are joined once.
        if (received < PREFIX) return;
        if (chunks[0] && chunks[0].length < PREFIX) chunks.splice(0, chunks.length, Buffer.concat(chunks));
        const length = chunks[0]?.readUInt16BE(0) ?? 0;
        // Nothing may follow the answer: there was one question.
        if (length < HEADER || received > PREFIX + length) finish(new WireError('oversized'));
        else if (received === PREFIX + length) finish(undefined, Buffer.concat(chunks).subarray(PREFIX));
      });
      const framed = Buffer.allocUnsafe(PREFIX + query.length);
      framed.writeUInt16BE(query.length, 0);
      query.copy(framed, PREFIX);
      socket.write(framed);
    });
  }
}

/** The kernel doubles what it is asked for, up to net.core.wmem_max and rmem_max. */
function size(socket: dgram.Socket, { send, receive }: SocketBuffers): void {
  socket.setSendBufferSize(send);
  socket.setRecvBufferSize(receive);
}
