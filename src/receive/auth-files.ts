/** Password files: read when they are asked, read again when they change, never trusted when they cannot be read. */
import type { Clock } from '../kernel/clock.js';
import { declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('auth', {
  FILE_TOO_LARGE: {
    text: '%s is larger than a password file may be (%s octets)',
    doc: 'Password files are held in memory; a larger number of users belongs into a datasource that a module asks.',
  },
});

/** How files are reached. */
export interface FilePorts {
  readonly clock: Pick<Clock, 'mono'>;
  stat(path: string): Promise<{ readonly mtimeMs: number; readonly size: number; readonly ino: number; readonly mode: number }>;
  read(path: string): Promise<Buffer>;
  log(level: 'warning' | 'error', text: string, cause?: unknown): void;
}

export type Entries = ReadonlyMap<string, string>;

const LOOK_AGAIN_MS = 5000;
const LARGEST = 16 * 1024 * 1024;
const WORLD_READABLE = 0o004;

interface Held {
  lookedAt: number;
  stamp: string;
  entries: Promise<Entries>;
}

export class PasswordFiles {
  readonly #ports: FilePorts;
  readonly #held = new Map<string, Held>();

  constructor(ports: FilePorts) {
    this.#ports = ports;
  }

  /** What `parse` makes of the file, at most five seconds old. Rejects when it cannot be read now. */
  entries(path: string, parse: (text: string) => Entries): Promise<Entries> {
    const now = this.#ports.clock.mono();
    const held = this.#held.get(path);
    if (held && now - held.lookedAt < LOOK_AGAIN_MS) return held.entries;
    const next: Held = { lookedAt: now, stamp: '', entries: Promise.resolve(new Map()) };
    next.entries = this.#look(path, parse, held, next);
    // Whoever asked hears of a failure; nobody else has to.
    next.entries.catch(() => {});
    this.#held.set(path, next);
    return next.entries;
  }

  async #look(path: string, parse: (text: string) => Entries, before: Held | undefined, next: Held): Promise<Entries> {
    const { log, read, stat } = this.#ports;
    try {
      const { mtimeMs, size, ino, mode } = await stat(path);
      const stamp = `${ino} ${size} ${mtimeMs}`;
      if (before && before.stamp === stamp) {
        next.stamp = stamp;
        return await before.entries;
      }
      if (size > LARGEST) throw problems.FILE_TOO_LARGE(path, String(LARGEST));
      if ((mode & WORLD_READABLE) !== 0) log('warning', `everybody on this machine can read the passwords in ${path}`);
      const entries = parse((await read(path)).toString('utf8'));
      next.stamp = stamp;
      return entries;
    } catch (error) {
      log('error', `the passwords in ${path} cannot be read`, error);
      throw error;
    }
  }
}

function* linesOf(text: string): Generator<string> {
  for (const line of text.split('\n')) {
    const clean = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (clean.trim() !== '' && !clean.trimStart().startsWith('#')) yield clean;
  }
}

/** `user:password` on each line; everything behind the first colon is the password. The last line of a user counts. */
export function parsePasswords(text: string): Entries {
  const entries = new Map<string, string>();
  for (const line of linesOf(text)) {
    const colon = line.indexOf(':');
    if (colon > 0 && colon < line.length - 1) entries.set(line.slice(0, colon).trim(), line.slice(colon + 1));
  }
  return entries;
}

const DIGEST = /^([^:]+):(.*):([0-9a-f]{32})\s*$/i;

/** Lines of htdigest, `user:realm:hash`; the keys are `user:realm`. */
export function parseDigests(text: string): Entries {
  const entries = new Map<string, string>();
  for (const line of linesOf(text)) {
    const [, user = '', realm = '', hash = ''] = DIGEST.exec(line) ?? [];
    if (hash !== '') entries.set(`${user.trim()}:${realm}`, hash.toLowerCase());
  }
  return entries;
}
