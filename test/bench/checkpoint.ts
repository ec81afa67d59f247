/**
 * How long a spool full of live mail holds the loop: `node dist/test/bench/checkpoint.js [messages] [folder]` writes them, then changes all
 * of them as a queue that retries does, which brings checkpoints of the outcome log, compacts, and starts again from what lies there, once
 * as it was left and once without the outcome log's indexes, so that every segment is read.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/kernel/clock.js';
import { IdSource } from '../../src/kernel/ids.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { Facts } from '../../src/mail/facts.js';
import { Copy } from '../../src/module/copy.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies } from '../fixtures/copies.js';

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

let watching = true;

/** Processor time of this thread in milliseconds; what the machine gives to others does not count. */
const threadFile = `/proc/self/task/${process.pid}/schedstat`;
const spent = (): number =>
  fs.existsSync(threadFile) ? Number(fs.readFileSync(threadFile, 'latin1').split(' ')[0]) / 1e6 : performance.now();

/** Most processor time between two turns of the loop, in milliseconds, from one call to the next; what takes over 20 ms is counted. */
function watchLoop(): () => string {
  let longest = 0;
  let over = 0;
  let last = spent();
  const look = (): void => {
    const now = spent();
    longest = Math.max(longest, now - last);
    if (now - last > 20) over++;
    last = now;
    if (watching) setImmediate(look);
  };
  look();
  return () => {
    const told = `longest turn ${longest.toFixed(1)} ms of processor, ${over} over 20 ms`;
    longest = 0;
    over = 0;
    return told;
  };
}

async function run(messages: number, under: string): Promise<void> {
  const root = fs.mkdtempSync(path.join(under, 'celeris-checkpoint-'));
  const folder = path.join(root, 'parts', '0');
  const never = new AbortController().signal;
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const open = (): Promise<SegmentSpool> => SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder, sync: false });
    const spool = await open();
    await spool.recover(() => {}, never);
    const ids = new IdSource(systemClock, 7);
    const [model] = makeCopies(['somebody@example.test'], { body: 'x'.repeat(300) });
    if (!model) throw new RangeError('no copy');
    const told = watchLoop();
    const tickets: number[] = [];
    while (tickets.length < messages) {
      const copies = Array.from({ length: 1000 }, (_, n) => {
        const copy = new Copy(ids.next(), model.reception, model.recipients, model.headers, model.content, new Facts());
        copy.place = { ...model.place, domain: `d${n % 50}.test` };
        return copy;
      });
      await Promise.all(copies.map((copy) => spool.write([copy])));
      for (const { ticket } of copies) tickets.push(ticket);
    }
    await spool.flush();
    say(`${messages} live messages written: ${told()}`);
    const files = (): string[] => fs.readdirSync(folder).filter((name) => name.startsWith('outcome-'));
    const began = performance.now();
    const seen = new Set(files());
    for (let n = 0; n < tickets.length; n++) {
      spool.change(tickets[n] ?? -1, 1, Date.now() + 1e6, '451 4.3.0 try again later, the mailbox is busy');
      if (n % 50 === 0) await turn();
      if (n % 10_000 === 0) for (const name of files()) seen.add(name);
    }
    for (let quiet = 0; quiet < 5; quiet++) {
      const before = files().join(' ');
      await new Promise((done) => setTimeout(done, 300));
      if (before !== files().join(' ')) quiet = 0;
    }
    say(`changed, ${seen.size} outcome files, ${files().length} left, ${Math.round(performance.now() - began)} ms: ${told()}`);
    for (let n = 0; n < tickets.length; n++) {
      if (n % 10 < 6) spool.gone(tickets[n] ?? -1);
      if (n % 500 === 0) await turn();
    }
    for (let segments = -1; segments !== spool.stats().segments; ) {
      segments = spool.stats().segments;
      await new Promise((done) => setTimeout(done, 1500));
    }
    say(`60 % ended and the rest compacted into ${spool.stats().segments} segments: ${told()}`);
    await spool.close();
    told();
    const again = await open();
    let found = 0;
    const { milliseconds } = await again.recover(() => void found++, never);
    say(`started again: ${found} found in ${Math.round(milliseconds)} ms: ${told()}`);
    await again.close();
    for (const name of files()) fs.rmSync(path.join(folder, name));
    told();
    const bare = await open();
    found = 0;
    const { milliseconds: bareMs } = await bare.recover(() => void found++, never);
    say(`started without an outcome log: ${found} found in ${Math.round(bareMs)} ms: ${told()}`);
    await bare.close();
  } finally {
    watching = false;
    fs.rmSync(root, { recursive: true });
  }
}

const [, program = '', messages = '1000000', under = os.tmpdir()] = process.argv;
if (import.meta.url === pathToFileURL(program).href) await run(Number(messages), under);
