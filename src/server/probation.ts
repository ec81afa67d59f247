/**
 * A worker that has died too often delivers one message at a time, under a written mark. What the mark names at the next death is
 * set aside before it is tried again.
 */
import fs from 'node:fs';
import { codeOf } from '../kernel/problems.js';
import type { Delivery } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { Supply } from '../module/flow.js';
import type { Place } from '../module/place.js';
import type { Found, Spool } from '../module/spool.js';
import { MARKS } from '../queue/marks.js';

/** Last reply of a message that was set aside. */
const SUSPECTED = '451 4.3.0 [internal] in hand when the worker died';

export interface ProbationPorts {
  readonly supply: Supply;
  /** File of the mark. */
  readonly file: string;
  /** Places that have due mail are to look again. */
  wakeAll(): void;
  /** Tells the operator. */
  alarm(text: string): void;
}

/** Stands before the queue's supply. While it lasts, at most one message is with delivery. */
export class Probation implements Supply {
  readonly #ports: ProbationPorts;
  readonly #suspect: string;
  #inHand: Copy | 'being read' | undefined;
  #lasts = true;

  constructor(ports: ProbationPorts) {
    this.#ports = ports;
    this.#suspect = readMark(ports.file);
  }

  /** Takes in what recovery finds; the message that was in hand goes to the held ones. */
  judge(found: Found, spool: Pick<Spool, 'id' | 'change'>): Found {
    if (this.#suspect === '') return found;
    return (ticket, where, attempts, next, ...rest) => {
      if (spool.id(ticket) !== this.#suspect) return found(ticket, where, attempts, next, ...rest);
      spool.change(ticket, attempts, MARKS.held, SUSPECTED);
      found(ticket, where, attempts, MARKS.held, ...rest);
      this.#ports.alarm(`message ${this.#suspect} was in hand when the worker died and is set aside; "message release" lets it go`);
    };
  }

  /** The worker has lived long enough: many messages at a time again. */
  end(): void {
    this.#lasts = false;
    this.#letGo();
  }

  take(place: Place, max: number): readonly Copy[] | Promise<readonly Copy[]> {
    if (!this.#lasts) return this.#ports.supply.take(place, max);
    if (this.#inHand) return [];
    const mails = this.#ports.supply.take(place, 1);
    if (!(mails instanceof Promise)) return this.#hold(mails);
    this.#inHand = 'being read';
    return mails.then(
      (read) => this.#hold(read),
      (error: unknown) => {
        this.#letGo();
        throw error;
      },
    );
  }

  putBack(mails: readonly Copy[]): void {
    this.#ports.supply.putBack(mails);
    if (mails.some((mail) => mail === this.#inHand)) this.#letGo();
  }

  waiting(place: Place): number {
    return this.#inHand ? 0 : this.#ports.supply.waiting(place);
  }

  defer(mail: Copy, reply: string): Delivery {
    const delivery = this.#ports.supply.defer(mail, reply);
    // A failure ends with `release`, when its notice is made.
    if (mail === this.#inHand && delivery.outcome === 'deferred') this.#letGo();
    return delivery;
  }

  release(mail: Copy): void {
    this.#ports.supply.release(mail);
    if (mail === this.#inHand) this.#letGo();
  }

  delay(place: Place, untilMs: number, reply: string): void {
    this.#ports.supply.delay(place, untilMs, reply);
  }

  #hold(mails: readonly Copy[]): readonly Copy[] {
    const [mail] = mails;
    this.#inHand = mail;
    if (mail) fs.writeFileSync(this.#ports.file, `${mail.id}\n`, { mode: 0o640 });
    return mails;
  }

  #letGo(): void {
    this.#inHand = undefined;
    fs.rmSync(this.#ports.file, { force: true });
    // Not from here: delivery is in the middle of something.
    setImmediate(() => this.#ports.wakeAll());
  }
}

/** The id in a mark, or nothing. */
function readMark(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1').trim();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}
