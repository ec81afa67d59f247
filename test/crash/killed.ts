/**
 * A process that lives to be killed: opens a spool, tells what is there, then works on it and says aloud what is promised.
 * Lines: `F id…` found, `B id` found with wrong octets, `+id…` acknowledged, `~ms id…` end told to the spool, `-id…` end
 * written to the file, `ready`. Written synchronously, so that nothing that was said can be lost in the pipe.
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/kernel/clock.js';
import type { Disk, DiskFile } from '../../src/kernel/disk.js';
import { IdSource } from '../../src/kernel/ids.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { Copy } from '../../src/module/copy.js';
import { nextIncarnation } from '../../src/spool/incarnation.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies, textOf } from '../fixtures/copies.js';

const say = (line: string): void => {
  fs.writeSync(1, `${line}\n`);
};

/** Ends that were told and are in no write yet. */
let unwritten: string[] = [];

/** Says which ends are in the file. */
const listening: Disk = {
  ...nodeDisk,
  async open(file, mode, permissions): Promise<DiskFile> {
    const handle = await nodeDisk.open(file, mode, permissions);
    if (!file.includes('outcome-')) return handle;
    return {
      path: handle.path,
      append: async (buffers) => {
        const ids = unwritten;
        unwritten = [];
        await handle.append(buffers);
        if (ids.length > 0) say(`-${ids.join(' ')}`);
      },
      appendNow: (buffers) => {
        const ids = unwritten;
        unwritten = [];
        handle.appendNow(buffers);
        if (ids.length > 0) say(`-${ids.join(' ')}`);
      },
      writeAt: (buffers, position) => handle.writeAt(buffers, position),
      readAt: (into, position) => handle.readAt(into, position),
      datasync: () => handle.datasync(),
      size: () => handle.size(),
      truncate: (size) => handle.truncate(size),
      close: () => handle.close(),
    };
  },
};

/** A body that tells whether it is whole. */
function makeBody(size: number): string {
  const text = randomBytes(size >>> 1).toString('hex');
  return `${createHash('sha1').update(text).digest('hex')}${text}\r\n`;
}

const isGood = (text: string): boolean => {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4).trimEnd();
  return createHash('sha1').update(body.slice(40)).digest('hex') === body.slice(0, 40);
};

async function live(root: string, mode: string): Promise<void> {
  const ids = new IdSource(systemClock, await nextIncarnation(nodeDisk, root));
  const make = (recipients: number, size: number): Copy[] =>
    makeCopies(
      Array.from({ length: recipients }, (_, i) => `r${i}@x.test`),
      { body: makeBody(size) },
    ).map((from) => {
      const copy = new Copy(ids.next(), from.reception, from.recipients, from.headers, from.content, from.facts);
      copy.place = from.place;
      return copy;
    });
  const folder = path.join(root, 'parts', '0');
  const spool = await SegmentSpool.open({ disk: listening, clock: systemClock, folder, segmentBytes: 1 << 18, outcomeBytes: 1 << 16 });
  const end = (copies: readonly Copy[]): void => {
    say(`~${Date.now()} ${copies.map(({ id }) => id).join(' ')}`);
    for (const { id, ticket } of copies) {
      unwritten.push(id);
      spool.gone(ticket);
    }
  };
  const found: number[] = [];
  const recovering = spool.recover((ticket) => void found.push(ticket), new AbortController().signal);
  if (mode === 'outcomes') {
    await recovering;
    await endMany(spool, make, end);
    return;
  }
  const writers = Array.from({ length: 20 }, async () => {
    for (;;) {
      const copies = make(1 + Math.floor(Math.random() * 3), 200 + Math.floor(Math.random() * 4000));
      await spool.write(copies);
      say(`+${copies.map(({ id }) => id).join(' ')}`);
      const rest = copies.filter(() => Math.random() < 0.9);
      const [first, ...others] = rest;
      if (first && Math.random() < 0.2) spool.change(first.ticket, 1, Date.now() + 1000, '451 later');
      else if (first) end([first]);
      if (others.length > 0) end(others);
    }
  });
  await recovering;
  const sound: string[] = [];
  for (const ticket of found) {
    const id = spool.id(ticket);
    sound.push(id);
    if (sound.length % 7 === 0 && !isGood(await textOf(await spool.read(ticket)))) say(`B ${id}`);
  }
  say(`F ${sound.join(' ')}`);
  await Promise.all(writers);
}

/** Reception rests; 10,000 ends a second. */
async function endMany(
  spool: SegmentSpool,
  make: (recipients: number, size: number) => Copy[],
  end: (copies: readonly Copy[]) => void,
): Promise<void> {
  const copies: Copy[] = [];
  while (copies.length < 30_000) {
    const group = make(500, 200);
    await spool.write(group);
    copies.push(...group);
  }
  say(`+${copies.map(({ id }) => id).join(' ')}`);
  say('ready');
  const began = performance.now();
  let ended = 0;
  while (ended < copies.length) {
    const due = Math.min(copies.length, Math.floor((performance.now() - began) * 10));
    if (due > ended) end(copies.slice(ended, due));
    ended = due;
    await new Promise((done) => setTimeout(done, 1));
  }
  await new Promise(() => setInterval(() => {}, 1000));
}

const [, program = '', root, mode = 'load'] = process.argv;
if (root !== undefined && import.meta.url === pathToFileURL(program).href) await live(root, mode);
