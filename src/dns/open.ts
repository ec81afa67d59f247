/** The resolver of this machine: real sockets, resolv.conf and /etc/hosts as they are on the disk, read again when they change. */
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import type { Clock } from '../kernel/clock.js';
import { type Hosts, parseHosts } from './hosts.js';
import { parseResolvConf, type ResolvConf } from './resolv-conf.js';
import { SocketWire } from './socket-wire.js';
import { StubResolver, type StubSettings } from './stub.js';

export interface OpenMeans {
  readonly clock: Clock;
  /** The option resolv_conf; /etc/resolv.conf when unset. */
  readonly resolvConf: () => string | undefined;
  readonly settings: () => StubSettings;
  /** A file could not be read, or has lines that mean nothing. */
  readonly notice: (text: string) => void;
  /** /etc/hosts when unset. */
  readonly hostsFile?: string;
}

/** How often the files are looked at. */
const LOOK_MS = 5000;
/** A larger file is none of ours. */
const MOST_BYTES = 4 << 20;

/** Opens it; the files are read at once. A missing file is an empty one (libc does the same) and a notice. */
export function openResolver(means: OpenMeans): {
  readonly resolver: StubResolver;
  readonly conf: () => ResolvConf;
  readonly wire: SocketWire;
} {
  const conf = new Reread(
    means.clock,
    (text) => {
      const read = parseResolvConf(text);
      if (read.ignored.length > 0) means.notice(`resolv.conf: ignored: ${read.ignored.join('; ')}`);
      return read;
    },
    means.notice,
  );
  const hosts = new Reread<Hosts>(means.clock, parseHosts, means.notice);
  const current = (): ResolvConf => conf.read(means.resolvConf() ?? '/etc/resolv.conf');
  const wire = new SocketWire();
  const resolver = new StubResolver({
    clock: means.clock,
    wire,
    random: (below) => randomInt(below),
    conf: current,
    hosts: () => hosts.read(means.hostsFile ?? '/etc/hosts'),
    settings: means.settings,
  });
  current();
  return { resolver, conf: current, wire };
}

/** A parsed file that is looked at again now and then: two small files, so a stat a few seconds apart may be synchronous. */
class Reread<T> {
  readonly #clock: Pick<Clock, 'mono'>;
  readonly #parse: (text: string) => T;
  readonly #notice: (text: string) => void;
  #path: string | undefined;
  #mark = '';
  #lookAgainMs = 0;
  #parsed: T | undefined;

  constructor(clock: Pick<Clock, 'mono'>, parse: (text: string) => T, notice: (text: string) => void) {
    this.#clock = clock;
    this.#parse = parse;
    this.#notice = notice;
  }

  read(path: string): T {
    const now = this.#clock.mono();
    if (path === this.#path && now < this.#lookAgainMs && this.#parsed !== undefined) return this.#parsed;
    this.#lookAgainMs = now + LOOK_MS;
    const mark = `${path} ${markOf(path)}`;
    if (mark === this.#mark && this.#parsed !== undefined) return this.#parsed;
    this.#path = path;
    this.#mark = mark;
    this.#parsed = this.#parse(this.#load(path));
    return this.#parsed;
  }

  #load(path: string): string {
    try {
      const { size } = fs.statSync(path);
      if (size > MOST_BYTES) throw new Error(`${size} bytes are too many`);
      return fs.readFileSync(path, 'utf8');
    } catch (error) {
      this.#notice(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      return '';
    }
  }
}

/** Changes when the file does: editors that rename make a new inode. */
function markOf(path: string): string {
  try {
    const { mtimeMs, ino, size } = fs.statSync(path);
    return `${mtimeMs} ${ino} ${size}`;
  } catch {
    return 'missing';
  }
}
