/** Watches the memory: above memory_goal bodies leave it and large receptions pause, above memory_hwm new mail gets 4xx. */
import type { Clock, Timer } from '../kernel/clock.js';

export type MemoryLevel = 'calm' | 'goal' | 'high';

export interface MemoryPorts {
  readonly clock: Pick<Clock, 'after'>;
  /** Share in use, 0 to 1. */
  readShare(): number;
  /** The two options, in percent. */
  limits(): { readonly memory_goal: number; readonly memory_hwm: number };
  /** Called at every look above the goal, with the level; gives memory back. */
  relieve(level: 'goal' | 'high'): void;
  /** The level changed. */
  changed(level: MemoryLevel, share: number): void;
}

const LOOK_MS = 500;
/** A level ends this far below the mark that began it, so that it does not flap. */
const SLACK = 0.02;

export class MemoryWatch {
  readonly #ports: MemoryPorts;
  #level: MemoryLevel = 'calm';
  #timer: Timer | undefined;

  constructor(ports: MemoryPorts) {
    this.#ports = ports;
  }

  get level(): MemoryLevel {
    return this.#level;
  }

  /** Begins to look, twice a second. */
  start(): void {
    this.#timer ??= this.#ports.clock.after(LOOK_MS, () => {
      this.#timer = undefined;
      this.look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  look(): void {
    const { readShare, limits, relieve, changed } = this.#ports;
    const share = readShare();
    const level = decideLevel(this.#level, share, limits());
    if (level !== 'calm') relieve(level);
    if (level === this.#level) return;
    this.#level = level;
    changed(level, share);
  }
}

/** The level for a share. 100 percent switches a mark off. */
export function decideLevel(
  now: MemoryLevel,
  share: number,
  limits: { readonly memory_goal: number; readonly memory_hwm: number },
): MemoryLevel {
  const isAbove = (percent: number, already: boolean): boolean => percent < 100 && share >= percent / 100 - (already ? SLACK : 0);
  if (isAbove(limits.memory_hwm, now === 'high')) return 'high';
  return isAbove(limits.memory_goal, now !== 'calm') ? 'goal' : 'calm';
}
