/** fingerprint: what system a client runs, from its packets, as p0f sees them. */
import fs from 'node:fs/promises';
import { defineModule, opt, type Session } from '#module';
import { type Fingerprint, Fingerprints } from './api.js';
import { Client, FAILURES, type Failure } from './client.js';

const UNKNOWN: Fingerprint = { genre: '', detail: '', distance: undefined, uptimeMinutes: undefined, link: '', badSoftware: 0 };

/** A host may change behind its address, and p0f itself forgets after two hours. */
const HIT_SECONDS = 600;
/** p0f may be there, or have seen the host, a moment later. */
const MISS_SECONDS = 1;

/** Carries the reason through the cache, which remembers it as a miss. */
class NoFingerprint extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure);
    this.failure = failure;
  }
}

export default defineModule({
  name: 'fingerprint',
  summary: "Guess a client's system from its packets.",
  validates: true,
  options: {
    max_cache_size: opt.int({ doc: 'How many hosts are remembered.', default: 10_000, min: 1 }),
    socket: opt.string({ doc: 'Unix socket of p0f (its option -s).', default: '/tmp/p0fd', origin: 'ours' }),
    protocol: opt.int({
      doc: 'Version of p0f whose protocol is spoken; there is 3.',
      default: 3,
      origin: 'ours',
      check: (version) => (version === 3 ? undefined : `p0f ${version} is not supported: only the protocol of p0f 3 is spoken.`),
    }),
    timeout: opt.milliseconds({
      doc: 'How long a client may be kept waiting for its fingerprint, in milliseconds.',
      default: 200,
      min: 1,
      max: 10_000,
      origin: 'ours',
    }),
  },

  async register(ctx) {
    const { max_cache_size: most, socket, timeout: timeoutMs } = ctx.options;
    const found = await fs.stat(socket).catch(() => undefined);
    if (found && !found.isSocket()) return { option: 'socket', say: `${socket} is no unix socket` };

    const client = new Client({
      socketPath: socket,
      timeoutMs,
      mono: () => ctx.mono(),
      sleep: (ms, signal) => ctx.sleep(ms, signal),
      signal: ctx.signal,
    });
    const cache = ctx.cache<Fingerprint>('hosts', most, { hit: HIT_SECONDS, miss: MISS_SECONDS });
    const failed = new Map<Failure, number>(FAILURES.map((failure) => [failure, 0]));
    let hits = 0;
    let misses = 0;

    const ask = async (ip: string): Promise<Fingerprint> => {
      const said = await client.ask(ip);
      if (typeof said === 'string') throw new NoFingerprint(said);
      return said;
    };
    const lookup = async (ip: string): Promise<Fingerprint> => {
      try {
        return await cache.get(ip, () => ask(ip));
      } catch (error) {
        if (!(error instanceof NoFingerprint)) throw error;
        failed.set(error.failure, (failed.get(error.failure) ?? 0) + 1);
        ctx.count('rejections', { reason: error.failure });
        return UNKNOWN;
      }
    };
    const find = (ip: string): Fingerprint | Promise<Fingerprint> => {
      const known = cache.peek(ip);
      if (known) hits++;
      else misses++;
      return known ?? lookup(ip);
    };

    ctx.provide(Fingerprints, { lookup: async (ip) => find(ip) });

    ctx.on(
      'connect',
      (session) => {
        // A client of a unix socket sends no packets.
        if (session.peer.ip === '') return undefined;
        const seen = find(session.peer.ip);
        if (!(seen instanceof Promise)) return note(session, seen);
        return seen.then((later) => note(session, later));
      },
      { onError: undefined },
    );

    ctx.command('cache summary', {
      doc: 'Hosts that are remembered, and how often one was.',
      merge: 'sum',
      run: () => [{ cache: 'hosts', entries: cache.size, limit: most, hits, misses }],
    });
    ctx.command('rejection summary', {
      doc: 'How often there was no fingerprint, by reason.',
      merge: 'sum',
      run: () => FAILURES.map((reason) => ({ reason, count: failed.get(reason) ?? 0 })),
    });
    return undefined;
  },
});

function note({ facts }: Session, { genre, detail }: Fingerprint): undefined {
  facts.set('fp_genre', genre);
  facts.set('fp_detail', detail);
}
