/** The console's sockets: control_listener stanzas, each connection a session of commands. */
import net from 'node:net';
import type { InboundValues } from '../config/snapshot.js';
import { printSocketAddress, type SocketAddress } from '../config/socket-address.js';
import type { ConsoleCommand } from '../console/command.js';
import { makeCommands } from '../console/commands/index.js';
import { serveConsole } from '../console/serve.js';
import { type BoundSocket, bindSocket } from '../net/bind.js';
import type { Daemon } from './daemon.js';
import { makeDesk } from './desk.js';
import { readOrders } from './orders.js';

interface Open {
  readonly bound: BoundSocket;
  readonly server: net.Server;
}

export class Control {
  readonly #daemon: Daemon;
  readonly #open: Open[] = [];
  readonly #sessions = new Set<{ close(): void }>();

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Opens the sockets of the snapshot. Throws a coded problem of net when one cannot be opened. */
  async open(): Promise<void> {
    const { snapshot } = this.#daemon;
    for (const listener of snapshot.listeners('control_listener')) {
      for (const { name, address } of listener.listens) {
        const options = snapshot.inbound({ listener: listener.name, listen: name });
        if (options.enable) await this.#serve(address, options);
      }
    }
    const file = snapshot.global.console_path;
    if (file === undefined || snapshot.listeners('control_listener').length > 0) return;
    await this.#serve({ kind: 'unix', path: file }, snapshot.inbound({ listener: 'control_listener' }));
  }

  async #serve(address: SocketAddress, options: InboundValues): Promise<void> {
    const { journal } = this.#daemon;
    const bound = await bindSocket(address, options.file_mode);
    const server = net.createServer((socket) => this.#take(socket, options.timeout));
    server.on('error', (error) => journal.say('error', 'console', 'a connection could not be accepted', error));
    await bound.serve(server, options.listen_backlog);
    this.#open.push({ bound, server });
    journal.say('info', 'console', `console on ${printSocketAddress(address)}`);
  }

  async close(): Promise<void> {
    for (const { bound, server } of this.#open) {
      bound.release();
      server.close();
    }
    // An answer that is being written may still leave.
    await new Promise<void>((done) => setImmediate(done));
    for (const session of this.#sessions) session.close();
  }

  /** The other workers hear what it has changed, and so do those that start later. */
  #toldToAll(command: ConsoleCommand): ConsoleCommand {
    const daemon = this.#daemon;
    const { team } = daemon.seat;
    if (!team || command.writes !== true) return command;
    const run = async (...given: Parameters<ConsoleCommand['run']>) => {
      try {
        return await command.run(...given);
      } finally {
        team.keep(readOrders(daemon));
      }
    };
    return { ...command, run };
  }

  #take(socket: net.Socket, timeoutSeconds: number): void {
    const daemon = this.#daemon;
    const { team } = daemon.seat;
    const session = serveConsole(socket, {
      book: () => makeCommands(makeDesk(daemon)).map((command) => this.#toldToAll(command)),
      others: team && ((command) => team.ask(command)),
      watch: daemon.watch,
      mono: () => daemon.clock.mono(),
      idleMs: () => timeoutSeconds * 1000,
      failed: (error) => daemon.journal.say('error', 'console', 'a command failed', error),
    });
    this.#sessions.add(session);
    socket.on('close', () => this.#sessions.delete(session));
  }
}
