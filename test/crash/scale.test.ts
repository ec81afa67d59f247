/** A start on a spool of many messages, nearly all of them delivered: mail is taken at once, old mail is found soon, none of it twice. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies } from '../fixtures/copies.js';

const FULL = process.env.SCALE === 'full';
const MESSAGES = FULL ? 1_000_000 : 50_000;
/** Copies of one reception, to write them faster. */
const TOGETHER = 20;

describe('scale', () => {
  it(`${MESSAGES} messages, 99 of 100 delivered, then killed`, { timeout: FULL ? 900_000 : 60_000 }, async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-scale-'));
    const folder = path.join(root, 'parts', '0');
    // Segments a twentieth as large keep their number the same.
    const sizes = FULL ? {} : { segmentBytes: 3 << 20, outcomeBytes: 2 << 20 };
    const open = (): Promise<SegmentSpool> => SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder, sync: false, ...sizes });
    try {
      const first = await open();
      const left = new Set<string>();
      // Without recovery there is neither compaction nor a checkpoint: the most that a start can find.
      for (let n = 0; n < MESSAGES; n += TOGETHER) {
        const copies = makeCopies(
          Array.from({ length: TOGETHER }, (_, i) => `r${i}@d${i % 7}.test`),
          { body: 'x'.repeat(2000) },
        );
        await first.write(copies);
        for (const [i, copy] of copies.entries()) {
          if ((n + i) % 100 === 0) left.add(copy.id);
          else first.gone(copy.ticket);
        }
      }
      await first.flush();
      // Killed: nothing is closed in order.
      const rss = process.memoryUsage().rss;
      const began = performance.now();
      const spool = await open();
      let firstFound = 0;
      let twice = 0;
      const found = new Set<string>();
      const recovering = spool.recover((ticket) => {
        firstFound ||= performance.now() - began;
        const id = spool.id(ticket);
        if (found.has(id)) twice++;
        found.add(id);
      }, new AbortController().signal);
      const fresh = makeCopies(['new@x.test']);
      await spool.write(fresh);
      const accepted = performance.now() - began;
      let slowest = 0;
      let done = false;
      void recovering.then(() => {
        done = true;
      });
      while (!done) {
        const from = performance.now();
        await spool.write(makeCopies(['more@x.test']));
        slowest = Math.max(slowest, performance.now() - from);
        await new Promise((next) => setTimeout(next, 20));
      }
      const { messages, milliseconds } = await recovering;
      const grown = process.memoryUsage().rss - rss;
      console.info(
        `${MESSAGES} messages: first accepted ${Math.round(accepted)} ms, first old one ${Math.round(firstFound)} ms, all ${messages} in ` +
          `${Math.round(milliseconds)} ms, slowest write meanwhile ${Math.round(slowest)} ms, RSS ${Math.round(rss >> 20)} + ${Math.round(grown / (1 << 20))} MiB`,
      );
      expect(twice).toBe(0);
      expect([...found].sort()).toEqual([...left].sort());
      expect(accepted).toBeLessThan(1000);
      expect(firstFound).toBeLessThan(10_000);
      await spool.close();
    } finally {
      fs.rmSync(root, { recursive: true, force: true });
    }
  });
});
