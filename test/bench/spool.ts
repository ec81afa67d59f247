/** What the spool alone costs: `node dist/test/bench/spool.js [seconds] [folder]` writes 4 KiB messages, 100 in flight, and ends each one. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/kernel/clock.js';
import { IdSource } from '../../src/kernel/ids.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { Facts } from '../../src/mail/facts.js';
import { Copy } from '../../src/module/copy.js';
import { encodeReception } from '../../src/spool/encode-reception.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies } from '../fixtures/copies.js';

const IN_FLIGHT = 100;

interface Cost {
  readonly messages: number;
  readonly seconds: number;
  /** User and system time of all threads. */
  readonly cpuMicros: number;
}

const measure = async (seconds: number, step: (copies: readonly Copy[]) => Promise<void>): Promise<Cost> => {
  const ids = new IdSource(systemClock, 7);
  const [model] = makeCopies(['somebody@example.test'], { body: 'x'.repeat(4096) });
  if (!model) throw new RangeError('no copy');
  const before = process.cpuUsage();
  const began = performance.now();
  let messages = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      const copy = new Copy(ids.next(), model.reception, model.recipients, model.headers, model.content, new Facts());
      copy.place = model.place;
      await step([copy]);
      messages++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  const { user, system } = process.cpuUsage(before);
  return { messages, seconds: (performance.now() - began) / 1000, cpuMicros: user + system };
};

const tell = (name: string, { messages, seconds, cpuMicros }: Cost): void => {
  const rate = Math.round(messages / seconds);
  process.stdout.write(
    `${name.padEnd(34)} ${String(rate).padStart(7)} messages/s ${(cpuMicros / messages).toFixed(1).padStart(6)} µs CPU each\n`,
  );
};

async function run(seconds: number, under: string): Promise<void> {
  const folder = fs.mkdtempSync(path.join(under, 'celeris-bench-'));
  try {
    tell(
      'encode only',
      await measure(Math.min(seconds, 2), async (copies) => {
        encodeReception(copies);
      }),
    );
    for (const sync of [true, false]) {
      const spool = await SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder: path.join(folder, String(sync)), sync });
      await spool.recover(() => {}, new AbortController().signal);
      tell(sync ? 'write' : 'write, spool_sync = none', await measure(seconds, (copies) => spool.write(copies)));
      tell(
        sync ? 'write and end' : 'write and end, spool_sync = none',
        await measure(seconds, async (copies) => {
          await spool.write(copies);
          for (const { ticket } of copies) spool.gone(ticket);
        }),
      );
      await spool.close();
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const [, program = '', seconds = '5', under = os.tmpdir()] = process.argv;
if (import.meta.url === pathToFileURL(program).href) await run(Number(seconds), under);
