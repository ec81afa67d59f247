/** What every spool must do, asked of each implementation. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { Headers } from '../../src/mail/headers.js';
import type { Copy } from '../../src/module/copy.js';
import type { Spool } from '../../src/module/spool.js';
import { MemorySpool } from '../../src/spool/memory-spool.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { makeCopies, textOf } from '../fixtures/copies.js';

const makers: readonly { name: string; keeps: boolean; open(folder: string): Promise<Spool> }[] = [
  { name: 'MemorySpool', keeps: false, open: async () => new MemorySpool() },
  {
    name: 'SegmentSpool',
    keeps: true,
    open: (folder) => SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder, segmentBytes: 20_000, outcomeBytes: 4000 }),
  },
];

const never = new AbortController().signal;

describe.each(makers)('$name', ({ open, keeps }) => {
  let folder: string;
  let spool: Spool;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-spool-'));
    spool = await open(folder);
    await spool.recover(() => {}, never);
  });
  afterEach(async () => {
    await spool.close();
    fs.rmSync(folder, { recursive: true });
  });

  const again = async (): Promise<Map<string, number>> => {
    await spool.close();
    spool = await open(folder);
    const found = new Map<string, number>();
    await spool.recover((ticket) => found.set(spool.id(ticket), ticket), never);
    return found;
  };

  it('gives each copy a ticket and reads it back as it was', async () => {
    const copies = makeCopies(['bob@one.test', 'eve@two.test'], { facts: { campaign: 'x' }, notify: 4 });
    await spool.write(copies);
    expect(new Set(copies.map(({ ticket }) => ticket)).size).toBe(2);
    for (const copy of copies) {
      const read = await spool.read(copy.ticket);
      expect(await textOf(read)).toBe(await textOf(copy));
      expect(read).toMatchObject({ id: copy.id, notify: 4, attempts: 0, notice: false });
      expect(String(read.recipient)).toBe(String(copy.recipient));
      expect(String(read.sender)).toBe('alice@sender.test');
      expect(read.facts.get('campaign')).toBe('x');
      expect(read.reception).toMatchObject({ batchId: copy.reception.batchId, source: { ip: '192.0.2.1', port: 99 }, smtpUtf8: false });
      expect(read.place).toMatchObject({ domain: copy.recipient.domain });
      expect(spool.id(copy.ticket)).toBe(copy.id);
      expect(spool.find(copy.id)).toBe(copy.ticket);
    }
    expect(spool.stats().messages).toBe(2);
  });

  it('copies of one reception share the octets of body and headers when they are read', async () => {
    const copies = makeCopies(['a@x.test', 'b@x.test']);
    await spool.write(copies);
    const [one, two] = [await spool.read(copies[0]?.ticket ?? -1), await spool.read(copies[1]?.ticket ?? -1)];
    expect(one.content).toBe(two.content);
    expect(one.headers.bytes()).toBe(two.headers.bytes());
    if (!keeps) return;
    one.headers.prepend('X-Changed', 'yes');
    one.headers.bytes();
    const [first, second] = copies as [Copy, Copy];
    for (const ticket of [second.ticket, first.ticket]) expect((await spool.read(ticket)).headers.has('x-changed')).toBe(false);
    expect(two.headers.has('x-changed')).toBe(false);
  });

  it('keeps headers apart where a copy has its own', async () => {
    const copies = makeCopies(['a@x.test', 'b@x.test']);
    const [, second] = copies as [Copy, Copy];
    second.headers = new Headers(Buffer.from('Subject: changed\r\n\r\n'));
    await spool.write(copies);
    expect((await spool.read(second.ticket)).headers.get('subject')).toBe('changed');
  });

  it('keeps bodies apart where a copy has its own', async () => {
    const copies = makeCopies(['a@x.test', 'b@x.test', 'c@x.test']);
    const [first, second] = copies as [Copy, Copy];
    second.setBody(Buffer.from('another body\r\n'));
    await spool.write(copies);
    expect(await textOf(await spool.read(second.ticket))).toContain('another body');
    expect(await textOf(await spool.read(first.ticket))).not.toContain('another body');
    expect((await spool.read(copies[2]?.ticket ?? -1)).id).toBe(copies[2]?.id);
    const [notice, other] = makeCopies(['n@x.test', 'o@x.test']) as [Copy, Copy];
    other.setBody(Buffer.from('other notice\r\n'));
    await spool.replace([first.ticket], [notice, other]);
    expect(await textOf(await spool.read(other.ticket))).toContain('other notice');
    if (keeps) expect((await again()).size).toBe(4);
  });

  it('records changes, moves and ends', async () => {
    const copies = makeCopies(['a@x.test', 'b@x.test', 'c@x.test']);
    await spool.write(copies);
    const [a, b, c] = copies as [Copy, Copy, Copy];
    spool.change(a.ticket, 3, 1_900_000_000_000, '451 4.3.0 later');
    spool.move(b.ticket, { group: 'g', binding: 'b', domain: 'other.test' });
    spool.gone(c.ticket);
    expect(await spool.read(a.ticket)).toMatchObject({ attempts: 3, nextAttempt: 1_900_000_000_000, lastReply: '451 4.3.0 later' });
    expect((await spool.read(b.ticket)).place).toMatchObject({ group: 'g', binding: 'b', domain: 'other.test' });
    await expect(spool.read(c.ticket)).rejects.toMatchObject({ code: 'SPOOL_GONE' });
    await spool.flush();
    if (!keeps) return;
    const found = await again();
    expect([...found.keys()].sort()).toEqual([a.id, b.id].sort());
    expect(await spool.read(found.get(a.id) ?? -1)).toMatchObject({ attempts: 3, lastReply: '451 4.3.0 later' });
    expect((await spool.read(found.get(b.id) ?? -1)).place).toMatchObject({ binding: 'b', domain: 'other.test' });
  });

  it('puts a failure and its notice in one', async () => {
    const [failed] = makeCopies(['a@x.test']) as [Copy];
    await spool.write([failed]);
    const [notice] = makeCopies(['alice@sender.test']) as [Copy];
    notice.notice = true;
    await spool.replace([failed.ticket], [notice]);
    expect(spool.find(failed.id)).toBeUndefined();
    expect((await spool.read(notice.ticket)).notice).toBe(true);
    if (keeps) expect([...(await again()).keys()]).toEqual([notice.id]);
  });

  it('ends many at once', async () => {
    const copies = makeCopies(['a@x.test', 'b@x.test', 'c@x.test']);
    await spool.write(copies);
    await spool.purge(copies.map(({ ticket }) => ticket));
    expect(spool.stats().messages).toBe(0);
    if (keeps) expect((await again()).size).toBe(0);
  });

  it('keeps large bodies', async () => {
    const large = await spool.openLarge();
    for (let i = 0; i < 40; i++) await large.write(Buffer.alloc(10_000, 65 + (i % 26)));
    const content = await large.finish({ dots: false, eightBit: false });
    const copies = makeCopies(['a@x.test', 'b@x.test'], { content });
    await spool.write(copies);
    expect((await textOf(await spool.read(copies[0]?.ticket ?? -1))).length).toBeGreaterThan(400_000);
    spool.gone(copies[0]?.ticket ?? -1);
    if (!keeps) return;
    const found = await again();
    const [ticket = -1] = found.values();
    expect((await textOf(await spool.read(ticket))).length).toBeGreaterThan(400_000);
    spool.gone(ticket);
    await again();
    expect(fs.readdirSync(path.join(folder, 'large'))).toEqual([]);
    const abandoned = await spool.openLarge();
    await abandoned.write(Buffer.alloc(10));
    await abandoned.abandon();
    expect(fs.readdirSync(path.join(folder, 'large'))).toEqual([]);
  });

  it('lets a large body go that no copy names, and never one that some copy does', async () => {
    const finish = async () => {
      const large = await spool.openLarge();
      await large.write(Buffer.alloc(10_000, 66));
      return large.finish({ dots: false, eightBit: false });
    };
    const refused = await finish();
    const content = await finish();
    const copies = makeCopies(['a@x.test'], { content });
    await spool.write(copies);
    spool.forget(refused);
    spool.forget(content);
    const inside = path.join(folder, 'large');
    const left = () => (keeps ? fs.readdirSync(inside).map((name) => path.join(inside, name)) : [content.file]);
    await expect.poll(left).toEqual([content.file]);
    expect((await textOf(await spool.read(copies[0]?.ticket ?? -1))).length).toBeGreaterThan(10_000);
  });

  it('holds what may be lost in memory, with tickets like all others', async () => {
    const tally = { inMemory: 0, forced: 0, failing: 0, withoutDisk: 0 };
    const held = (...names: string[]): Copy[] => {
      const copies = makeCopies(names.map((name) => `${name}@x.test`));
      for (const copy of copies) copy.unspooled = { attempts: 3, tally };
      return copies;
    };
    const before = spool.stats().diskBytes;
    const [a, b, c, d, e] = held('a', 'b', 'c', 'd', 'e') as [Copy, Copy, Copy, Copy, Copy];
    const whole = await textOf(a);
    expect(await spool.hold?.([a, b, c, d, e])).toBe(true);
    expect(new Set([a, b, c, d, e].map(({ ticket }) => ticket)).size).toBe(5);
    expect(await textOf(await spool.read(a.ticket))).toBe(whole);
    expect(spool.find(b.id)).toBe(b.ticket);
    spool.change(a.ticket, 2, 1_900_000_000_000, '451 later');
    spool.move(a.ticket, { group: 'g', binding: 'b', domain: 'other.test' });
    spool.gone(b.ticket);
    await spool.purge([c.ticket]);
    await spool.flush();
    expect(await spool.read(a.ticket)).toMatchObject({ attempts: 2, lastReply: '451 later', place: { domain: 'other.test' } });
    await expect(spool.read(b.ticket)).rejects.toMatchObject({ code: 'SPOOL_GONE' });
    expect(spool.stats()).toMatchObject({ messages: 3, diskBytes: before });
    const [notice] = makeCopies(['alice@sender.test']) as [Copy];
    await spool.replace([d.ticket], [notice]);
    expect(spool.find(d.id)).toBeUndefined();
    spool.evict?.(a.ticket);
    spool.gone(e.ticket);
    await spool.writeHeld?.(never);
    expect(await textOf(await spool.read(a.ticket))).toBe(whole);
    const unready = held('q');
    unready[0]?.setBody(Buffer.from('x'));
    for (const copy of unready) copy.unspooled = undefined;
    expect(await spool.hold?.(unready)).toBe(false);
    if (!keeps) return;
    const found = await again();
    expect([...found.keys()].sort()).toEqual([a.id, notice.id].sort());
    expect(await spool.read(found.get(a.id) ?? -1)).toMatchObject({ attempts: 2, lastReply: '451 later', place: { domain: 'other.test' } });
  });

  it('survives much traffic with many segments, and does not grow', async () => {
    const alive = new Map<string, number>();
    for (let i = 0; i < 400; i++) {
      const copies = makeCopies([`u${i}@x.test`, `v${i}@x.test`]);
      await spool.write(copies);
      for (const copy of copies) alive.set(copy.id, copy.ticket);
      if (i % 3 !== 0) continue;
      for (const [id, ticket] of [...alive].slice(0, 5)) {
        spool.gone(ticket);
        alive.delete(id);
      }
    }
    for (const [id, ticket] of [...alive].slice(0, alive.size - 20)) {
      spool.gone(ticket);
      alive.delete(id);
    }
    await spool.flush();
    if (!keeps) return;
    await new Promise((done) => setTimeout(done, 1500));
    const { diskBytes, liveBytes } = spool.stats();
    expect(diskBytes).toBeLessThanOrEqual(2 * liveBytes + 3 * 20_000);
    const found = await again();
    expect([...found.keys()].sort()).toEqual([...alive.keys()].sort());
    for (const ticket of found.values()) expect(await textOf(await spool.read(ticket))).toContain('Subject: hello');
  });
});
