/** Takes an address of the system without serving it yet, so that who binds (with privileges) and who serves may be two processes. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { MAX_UNIX_PATH, printSocketAddress, type SocketAddress } from '../config/socket-address.js';
import { codeOf } from '../kernel/problems.js';
import { problems } from './problems.js';

/** The part of libuv's server handles that is used here. */
interface RawHandle {
  readonly fd: number;
  close(done?: () => void): void;
  /** TCP only; a negative errno when it fails. */
  getsockname(out: object): number;
}

/**
 * Node's own door for binding without accepting (its cluster module uses it); the documented `listen` does both at once.
 * Answers a negative errno when it fails. The -1 stands for a unix socket.
 */
type CreateHandle = (address: string, port: number, family: number, fd?: number, flags?: number) => RawHandle | number;
const createHandle = (net as typeof net & { readonly _createServerHandle: CreateHandle })._createServerHandle;

/** TCP: an IPv6 socket takes IPv6 only, so `*:25` and `[*]:25` may stand side by side (UV_TCP_IPV6ONLY). */
const IPV6_ONLY = 1;

/** A socket that is bound and may be served here or handed to another process by its descriptor. */
export interface BoundSocket {
  readonly address: SocketAddress;
  readonly fd: number;
  /** What node can hand over to another process along with a message; undefined for a socket that was inherited. */
  readonly handle: object | undefined;
  /** Makes `server` listen on it. The server owns the socket from then on. */
  serve(server: net.Server, backlog: number): Promise<void>;
  /** Gives the address up. After `serve` it is the server that must be closed; this then only removes a unix socket's file. */
  release(): void;
}

/** Binds. Throws NET_PATH_TOO_LONG, NET_IN_USE, NET_NOT_A_SOCKET or NET_CANNOT_BIND. `fileMode` is for unix sockets. */
export async function bindSocket(address: SocketAddress, fileMode: number): Promise<BoundSocket> {
  if (address.kind === 'tcp') {
    const six = net.isIPv6(address.host);
    const handle = createHandle(address.host, address.port, six ? 6 : 4, undefined, six ? IPV6_ONLY : 0);
    if (typeof handle === 'number') throw refusal(address, getSystemErrorName(handle));
    // libuv keeps EADDRINUSE to itself until listen; by its descriptor another process would then listen at any port at all.
    const late = handle.getsockname({});
    if (late < 0) {
      handle.close();
      throw refusal(address, getSystemErrorName(late));
    }
    return new Bound(address, handle, handle);
  }
  const bytes = Buffer.byteLength(address.path);
  if (bytes > MAX_UNIX_PATH) throw problems.PATH_TOO_LONG(address.path, String(bytes));
  await removeStale(address.path);
  // The file is there from bind on: nobody may connect in the moment before chmod.
  const before = process.umask(0o777 & ~fileMode);
  let handle: RawHandle | number;
  try {
    handle = createHandle(address.path, -1, -1);
  } finally {
    process.umask(before);
  }
  if (typeof handle === 'number') throw refusal(address, getSystemErrorName(handle));
  chmodSync(address.path, fileMode);
  return new Bound(address, handle, { fd: handle.fd });
}

/** A socket that another process bound and we inherited under this descriptor, or were sent. Its file, if any, stays that process's. */
export function adoptSocket(address: SocketAddress, from: number | object): BoundSocket {
  // What was sent is the twin of the handle that was bound.
  return new Bound(address, undefined, typeof from === 'number' ? { fd: from } : (from as RawHandle));
}

class Bound implements BoundSocket {
  readonly address: SocketAddress;
  readonly fd: number;
  #handle: RawHandle | undefined;
  readonly #listenOn: RawHandle | { readonly fd: number };
  readonly #ours: boolean;
  #served = false;

  constructor(address: SocketAddress, handle: RawHandle | undefined, listenOn: RawHandle | { readonly fd: number }) {
    this.address = address;
    this.#handle = handle;
    this.#listenOn = listenOn;
    this.#ours = handle !== undefined;
    this.fd = listenOn.fd;
  }

  get handle(): object | undefined {
    return this.#handle;
  }

  serve(server: net.Server, backlog: number): Promise<void> {
    this.#served = true;
    return new Promise((done, fail) => {
      const onError = (error: Error) => fail(refusal(this.address, codeOf(error), error));
      server.once('error', onError);
      server.listen(this.#listenOn, backlog, () => {
        server.off('error', onError);
        done();
      });
    });
  }

  release(): void {
    if (this.#ours && this.address.kind === 'unix') removeFile(this.address.path);
    if (!this.#served) this.#handle?.close();
    this.#handle = undefined;
  }
}

/** Removes the file of a socket that nobody serves: connect, ECONNREFUSED, unlink. */
async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw problems.NOT_A_SOCKET(path);
  const answer = await tryConnect(path);
  if (answer === 'ECONNREFUSED') removeFile(path);
  else if (answer !== 'ENOENT') throw problems.IN_USE(path);
}

/** Connects and hangs up; answers the code of the error, or empty when somebody took the connection. */
function tryConnect(path: string): Promise<string> {
  return new Promise((done) => {
    const socket = net.connect(path);
    socket.setTimeout(2000, () => socket.destroy());
    socket.once('connect', () => socket.destroy());
    socket.once('error', (error) => done(codeOf(error)));
    socket.once('close', () => done(''));
  });
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw problems.CANNOT_BIND.because(error, path, codeOf(error));
  }
}

function refusal(address: SocketAddress, code: string, cause?: unknown): Error {
  return code === 'EADDRINUSE'
    ? problems.IN_USE.because(cause, printSocketAddress(address))
    : problems.CANNOT_BIND.because(cause, printSocketAddress(address), code);
}
