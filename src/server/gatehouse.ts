/** Holds connections that come before the house is ready: the sockets are open early, nobody is refused. */
import type { Socket } from 'node:net';
import type { Door } from '../smtp/server/house.js';
import type { Doorkeeper } from '../smtp/server/listener.js';

export class Gatehouse implements Doorkeeper {
  #behind: Doorkeeper | undefined;
  #waiting: { socket: Socket; door: Door }[] = [];

  accept(socket: Socket, door: Door): void {
    if (this.#behind) this.#behind.accept(socket, door);
    else {
      // Nobody else listens yet: a client that resets now must not end the process.
      socket.on('error', () => socket.destroy());
      this.#waiting.push({ socket, door });
    }
  }

  troubled(error: Error, door: Door): void {
    this.#behind?.troubled?.(error, door);
  }

  /** From now on connections go to `behind`, those that wait first. */
  open(behind: Doorkeeper): void {
    this.#behind = behind;
    for (const { socket, door } of this.#waiting.splice(0)) if (!socket.destroyed) behind.accept(socket, door);
  }
}
