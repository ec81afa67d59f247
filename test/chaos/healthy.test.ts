/**
 * A healthy domain beside a dozen bad ones (bad-inputs 34-38, 40): its rate stays, and everything returns to the start. It is
 * compared with its twin in a room of its own, in the same windows of the same process, so a busy machine slows both alike;
 * that the loop never stands still is told by processor time, not by the clock.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { DEEDS, type Peer, polite, type Script, startPeer } from './peer.js';
import { eventually, makeRoom, type Room } from './room.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const sockets = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'TCPServerWrap').length;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

const answering = (verb: string, text: string): Script => polite({ answer: (asked) => (asked === verb ? text : undefined) });

/** One of each kind of trouble. */
const BAD: Readonly<Record<string, Script>> = {
  mute: answering('BANNER', DEEDS.HANG),
  'mute after MAIL': answering('MAIL', DEEDS.HANG),
  'mute after the dot': answering('MESSAGE', DEEDS.HANG),
  'long line': answering('RCPT', `250 ${'x'.repeat(1 << 20)}\r\n`),
  'many lines': answering('EHLO', '250-x\r\n'.repeat(10_000)),
  'mixed codes': answering('MAIL', '250-a\r\n550 b\r\n'),
  'no blank': answering('DATA', '354go\r\n'),
  busy: answering('BANNER', '421 4.3.2 busy\r\n'),
  'refuses EHLO': polite({ answer: (verb) => (verb === 'EHLO' || verb === 'HELO' ? '550 no\r\n' : undefined) }),
  '250 to DATA': answering('DATA', '250 sure\r\n'),
  'closes after the dot': answering('MESSAGE', DEEDS.FIN),
  'resets after MAIL': answering('MAIL', DEEDS.RST),
  'full mailboxes': answering('RCPT', '452 4.2.2 full\r\n'),
};

/** Healthy mails a second: enough that any stall of the loop, of slots or of the queue shows, little enough not to measure the machine. */
const PACE = Number(process.env.CHAOS_PACE ?? 500);
const WINDOW_MS = Number(process.env.CHAOS_WINDOW_MS ?? 500);
const PAIRS = Number(process.env.CHAOS_PAIRS ?? 3);
/** No turn of the loop may take longer than this, in processor time of the whole process (garbage collection included). */
const LONGEST_TURN_MS = 150;
/** Bad mails that are always under way, each domain. */
const BAD_AT_ONCE = 5;
/** A bad mail comes back after so long. All peers run on our own thread, so attempts cost their share twice. */
const PAUSE_MS = 500;

const peers: Peer[] = [];
afterAll(() => Promise.all(peers.map((peer) => peer.close())));

/** Keeps `count` mails under way to a domain while `isOn`. */
function keepBusy(
  room: Room,
  domain: string,
  count: number,
  pauseMs: number,
  isOn: () => boolean,
): { readonly done: number; start(): void } {
  const state = { done: 0, seen: 0 };
  const pending = new Set<string>();
  const add = (): void => {
    if (!isOn()) return;
    const [mail] = room.send([`u@${domain}`], room.place(domain));
    if (mail) pending.add(mail.id);
  };
  room.told.push(({ mail }) => {
    if (!pending.delete(mail.id)) return;
    state.done++;
    setTimeout(add, pauseMs);
  });
  return {
    get done() {
      return state.done;
    },
    start() {
      for (let i = pending.size; i < count; i++) add();
    },
  };
}

interface Paced {
  /** Mails delivered. */
  readonly done: number;
  /** Milliseconds that all of them took together. */
  readonly tookMs: number;
  stop(): void;
}

/** Offers mail to a domain of each room, to all at the same instants, at a steady pace. */
function keepPace(rooms: readonly Room[], domain: string, perSecond: number): readonly Paced[] {
  const began = performance.now();
  let offered = 0;
  const states = rooms.map((room) => {
    const state = { done: 0, tookMs: 0, since: new Map<string, number>() };
    room.told.push(({ mail, outcome, place }) => {
      const since = state.since.get(mail.id);
      if (place.domain !== domain || since === undefined || outcome !== 'delivered') return;
      state.since.delete(mail.id);
      state.done++;
      state.tookMs += performance.now() - since;
    });
    return state;
  });
  const timer = setInterval(() => {
    for (const due = ((performance.now() - began) * perSecond) / 1000; offered < due; offered++) {
      // Whose turn comes first must not matter.
      for (let i = 0; i < rooms.length; i++) {
        const [room, state] = [rooms[(i + offered) % rooms.length], states[(i + offered) % rooms.length]];
        const [mail] = room?.send([`u@${domain}`], room.place(domain)) ?? [];
        if (mail) state?.since.set(mail.id, performance.now());
      }
    }
  }, 5);
  const stop = (): void => clearInterval(timer);
  return states.map((state) => ({
    get done() {
      return state.done;
    },
    get tookMs() {
      return state.tookMs;
    },
    stop,
  }));
}

/** Watches how much processor time (milliseconds) the busiest turn of the loop takes. */
function watchTurns(): { readonly longest: number; reset(): void; stop(): void } {
  let [longest, before, isOn] = [0, process.cpuUsage(), true];
  const look = (): void => {
    const now = process.cpuUsage();
    longest = Math.max(longest, (now.user + now.system - before.user - before.system) / 1000);
    before = now;
    if (isOn) setTimeout(look, 1);
  };
  look();
  return {
    get longest() {
      return longest;
    },
    reset() {
      longest = 0;
      before = process.cpuUsage();
    },
    stop() {
      isOn = false;
    },
  };
}

describe('a healthy domain beside bad ones', () => {
  it('keeps its rate, and nothing stays behind', { timeout: 60_000 }, async () => {
    const good = await startPeer(polite());
    peers.push(good);
    const routes: Record<string, { port: number; name: string }[]> = { 'good.test': [{ port: good.port, name: 'mx.good.test' }] };
    const domains: string[] = [];
    for (const [name, script] of Object.entries(BAD)) {
      const peer = await startPeer(script);
      peers.push(peer);
      const domain = `${name.replaceAll(' ', '-').toLowerCase()}.test`;
      routes[domain] = [{ port: peer.port, name: `mx.${domain}` }];
      domains.push(domain);
    }
    const dead = await startPeer(polite());
    await dead.close();
    routes['dead.test'] = [{ port: dead.port, name: 'mx.dead.test' }];
    domains.push('dead.test', 'nowhere.test');
    const timeouts = ['ehlo', 'mailfrom', 'rcptto', 'body', 'connect'].map((name) => `${name}_timeout = 1`).join('\n');
    const config = `${timeouts}\nidle_timeout = 1\nmx_failures_to_delay = 0\nconnect_timeout_to_delay = 0\nhost_failure_retry = 0\nmax_outbound_connections = 8`;

    const room = await makeRoom({ config, routes });
    const twin = await makeRoom({ config, routes });
    room.keepAttempts = twin.keepAttempts = false;
    const before = { sockets: sockets(), heap: 0 };
    let isBadOn = false;
    const [healthy, control] = keepPace([room, twin], 'good.test', PACE) as [Paced, Paced];
    const bad = domains.map((domain) => keepBusy(room, domain, BAD_AT_ONCE, PAUSE_MS, () => isBadOn));

    /** One window: what the healthy domain achieved for each mail of its twin, in number and in time. */
    const measure = async (): Promise<{ rate: number; delayMs: number }> => {
      const from = [healthy.done, control.done, healthy.tookMs, control.tookMs] as const;
      await new Promise((done) => setTimeout(done, WINDOW_MS));
      const [mine, twins] = [healthy.done - from[0], control.done - from[1]];
      return { rate: mine / twins, delayMs: (healthy.tookMs - from[2]) / mine - (control.tookMs - from[3]) / twins };
    };
    await measure();
    before.heap = heap();
    const turns = watchTurns();
    const windows: { rate: number; delayMs: number }[] = [];
    isBadOn = true;
    for (const each of bad) each.start();
    await measure();
    turns.reset();
    for (let i = 0; i < PAIRS * 2; i++) windows.push(await measure());
    turns.stop();
    for (const [i, each] of bad.entries()) expect(each.done, domains[i]).toBeGreaterThan(0);
    isBadOn = false;
    healthy.stop();
    await eventually(
      () => room.delivery.totals().connections + twin.delivery.totals().connections === 0,
      15_000,
      () => JSON.stringify(room.delivery.totals()),
    );
    expect(room.supply.taken + twin.supply.taken).toBe(0);
    expect(room.watch.size + twin.watch.size).toBe(0);
    expect(healthy.done).toBe(control.done);
    await eventually(() => sockets() <= before.sockets);
    expect(heap() - before.heap).toBeLessThan(16 << 20);
    const rates = windows.map(({ rate }) => rate);
    const delays = windows.map(({ delayMs }) => delayMs);
    console.log(
      `healthy beside ${domains.length} bad domains, against its twin: rate ${rates.map((rate) => rate.toFixed(2)).join(' ')}, ` +
        `later by ${delays.map((ms) => ms.toFixed(1)).join(' ')} ms; longest turn ${turns.longest.toFixed(0)} ms of processor time`,
    );
    expect(Math.min(...rates)).toBeGreaterThan(0.9);
    expect(Math.max(...delays)).toBeLessThan(20);
    expect(turns.longest).toBeLessThan(LONGEST_TURN_MS);
    await room.stop();
    await twin.stop();
  });
});
