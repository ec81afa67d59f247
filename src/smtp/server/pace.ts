/** How patient we still are with a client: its errors and idle commands since the last message it brought. */
import type { InboundValues } from '../../config/snapshot.js';

/** What the next answer should be like. */
export type Patience = 'calm' | 'slow' | 'ended';

export class Pace {
  #errors = 0;
  #junk = 0;

  /** One more error of the client. */
  countError(options: InboundValues): Patience {
    this.#errors++;
    if (options.hard_errors > 0 && this.#errors >= options.hard_errors) return 'ended';
    return options.soft_errors > 0 && this.#errors >= options.soft_errors ? 'slow' : 'calm';
  }

  /** One more NOOP, RSET or VRFY. Those over the limit are slow, and as many as may be errors later it ends. */
  countJunk(options: InboundValues): Patience {
    this.#junk++;
    const over = this.#junk - options.junk_commands;
    if (over <= 0) return 'calm';
    return options.hard_errors > 0 && over >= options.hard_errors ? 'ended' : 'slow';
  }

  /** A message was accepted: everything is forgiven. */
  forgive(): void {
    this.#errors = 0;
    this.#junk = 0;
  }
}
