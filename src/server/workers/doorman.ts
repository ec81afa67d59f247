/** Stands before the service of a worker: asks how many connections there are over all workers before a session begins. */
import type { Socket } from 'node:net';
import { plainIp } from '../../net/plain-ip.js';
import type { Door } from '../../smtp/server/house.js';
import type { Doorkeeper } from '../../smtp/server/listener.js';
import type { Crowding } from '../../smtp/server/service.js';
import type { Arrival } from './crowd.js';

export interface DoormanPorts {
  /** Rejects when nobody can say. */
  enter(arrival: Arrival): Promise<Crowding>;
  leave(arrival: Arrival): void;
}

interface Behind {
  accept(socket: Socket, door: Door, crowding?: Crowding): void;
  troubled(error: Error, door: Door): void;
}

export class Doorman implements Doorkeeper {
  readonly #ports: DoormanPorts;
  readonly #behind: Behind;

  constructor(ports: DoormanPorts, behind: Behind) {
    this.#ports = ports;
    this.#behind = behind;
  }

  accept(socket: Socket, door: Door): void {
    const arrival = { stanza: door.stanza, ip: plainIp(socket.remoteAddress) };
    // A client that resets while it waits must not end the process.
    const ignore = (): void => void socket.destroy();
    socket.on('error', ignore);
    socket.once('close', () => this.#ports.leave(arrival));
    const letIn = (crowding?: Crowding): void => {
      socket.off('error', ignore);
      if (!socket.destroyed) this.#behind.accept(socket, door, crowding);
    };
    // Without an answer our own counts have to do: the supervisor is gone, and we end soon.
    this.#ports.enter(arrival).then(letIn, () => letIn());
  }

  troubled(error: Error, door: Door): void {
    this.#behind.troubled(error, door);
  }
}
