import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultyDisk, systemError } from '../../test/crash/faulty-disk.js';
import { makeCopies, textOf } from '../../test/fixtures/copies.js';
import { systemClock } from '../kernel/clock.js';
import { nodeDisk } from '../kernel/node-disk.js';
import type { Copy } from '../module/copy.js';
import { HEAD_BYTES } from './file-head.js';
import { SegmentSpool } from './segment-spool.js';
import { exportMessage, exportQuarantined, listMessages, listQuarantine, type MessageRow, showMessage, verify } from './show.js';

const SEGMENT = 'accept-000000000000003.log';

let root: string;
let spool: SegmentSpool;
const part = (): string => path.join(root, 'parts', '0');
const open = async (): Promise<void> => {
  spool = await SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder: part(), segmentBytes: 4000, outcomeBytes: 2000 });
};
const never = new AbortController().signal;

const rows = async (): Promise<MessageRow[]> => {
  const found: MessageRow[] = [];
  for await (const row of listMessages(nodeDisk, root)) found.push(row);
  return found;
};
const eml = async (id: string): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exportMessage(nodeDisk, root, id)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
};
/** Every file with its octets. */
const everything = (): string =>
  fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((name) => fs.statSync(path.join(root, name)).isFile())
    .map((name) => `${name} ${fs.readFileSync(path.join(root, name)).toString('base64')}`)
    .join('\n');

const write = async (wishes: Parameters<typeof makeCopies>[1] = {}): Promise<Copy> => {
  const [copy] = makeCopies(['bob@one.test'], wishes);
  if (!copy) throw new RangeError('no copy');
  await spool.write([copy]);
  return copy;
};

beforeEach(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-show-'));
  await open();
  await spool.recover(() => {}, never);
});
afterEach(async () => {
  await spool.close();
  fs.rmSync(root, { recursive: true });
});

describe('a spool that is looked into', () => {
  it('tells the same while the daemon runs, after it stopped and after it started again, and nothing changes', async () => {
    const kept: Copy[] = [];
    for (let i = 0; i < 30; i++) {
      const copy = await write({ body: `body ${i} ${'x'.repeat(200)}\r\n` });
      if (i % 3 === 0) spool.gone(copy.ticket);
      else kept.push(copy);
    }
    const [tried, moved] = kept as [Copy, Copy];
    spool.change(tried.ticket, 3, 1_900_000_000_000, '451 4.3.0 later');
    spool.move(moved.ticket, { group: 'g', binding: 'b', domain: 'other.test' });
    await spool.flush();
    const check = async (): Promise<void> => {
      const found = new Map((await rows()).map((row) => [row.id, row]));
      expect([...found.keys()].sort()).toEqual(kept.map(({ id }) => id).sort());
      expect(found.get(tried.id)).toMatchObject({ attempts: 3, nextAttempt: 1_900_000_000_000, lastReply: '451 4.3.0 later', part: '0' });
      expect(found.get(moved.id)).toMatchObject({
        sender: 'alice@sender.test',
        recipient: 'bob@one.test',
        place: { group: 'g', binding: 'b', domain: 'other.test' },
        size: moved.size,
      });
      for (const copy of kept) expect(await eml(copy.id)).toBe(await textOf(copy));
      expect(await verify(nodeDisk, root)).toMatchObject({
        parts: 1,
        messages: kept.length,
        damaged: 0,
        torn: 0,
        quarantined: 0,
        faults: [],
      });
    };
    await check();
    await spool.close();
    const before = everything();
    await check();
    expect(everything()).toBe(before);
    await open();
    await spool.recover(() => {}, never);
    await check();
  });

  it('shows one message with its headers and context', async () => {
    const copy = await write({ facts: { campaign: 'x' }, sender: null });
    const shown = await showMessage(nodeDisk, root, copy.id);
    expect(shown).toMatchObject({
      id: copy.id,
      sender: '',
      headers: 'From: alice@sender.test\r\nSubject: hello\r\n',
      source: '192.0.2.1:99',
      protocol: 'esmtp',
      facts: [['campaign', 'x']],
      notice: false,
      quarantined: undefined,
    });
    await expect(showMessage(nodeDisk, root, '00/00-00000-00000000')).rejects.toMatchObject({ code: 'SPOOL_NO_MESSAGE' });
    await expect(eml('nonsense')).rejects.toMatchObject({ code: 'SPOOL_NO_MESSAGE' });
  });

  it('exports a large body, and misses it when its file is gone', async () => {
    const large = await spool.openLarge();
    for (let i = 0; i < 30; i++) await large.write(Buffer.alloc(20_000, 65));
    const copy = await write({ content: await large.finish({ dots: false, eightBit: false }) });
    expect(await eml(copy.id)).toBe(await textOf(copy));
    for (const name of fs.readdirSync(path.join(part(), 'large'))) fs.truncateSync(path.join(part(), 'large', name), 10);
    expect(await verify(nodeDisk, root)).toMatchObject({ messages: 1, damaged: 1, faults: [{ what: 'body missing', octets: 600_000 }] });
  });

  it('counts damage and torn ends; after a start they lie in quarantine', async () => {
    const first = await write({ body: 'the first\r\n' });
    const second = await write({ body: 'the second\r\n' });
    await spool.close();
    fs.rmSync(path.join(part(), fs.readdirSync(part()).find((name) => name.startsWith('outcome-')) ?? ''));
    const file = path.join(part(), SEGMENT);
    const bytes = fs.readFileSync(file);
    bytes[bytes.indexOf('the first')] = 0x54;
    fs.writeFileSync(file, Buffer.concat([bytes, Buffer.from('half a fra')]));
    expect(await verify(nodeDisk, root)).toMatchObject({
      segments: 1,
      messages: 1,
      damaged: 1,
      torn: 1,
      quarantined: 0,
      faults: [
        { file: SEGMENT, offset: HEAD_BYTES, what: 'damaged' },
        { what: 'torn', octets: 10 },
      ],
    });
    expect((await rows()).map(({ id }) => id)).toEqual([second.id]);
    await open();
    await spool.recover(() => {}, never);
    const kept = await listQuarantine(nodeDisk, root);
    expect(kept.map(({ name, size }) => `${name} ${size > 0}`)).toEqual([
      `${SEGMENT}-${HEAD_BYTES} true`,
      expect.stringMatching(/^accept-000000000000003\.log-\d+\.torn true$/),
    ]);
    const raw = await exportQuarantined(nodeDisk, root, '0', `${SEGMENT}-${HEAD_BYTES}`);
    expect(raw.includes('The first')).toBe(true);
    await expect(exportQuarantined(nodeDisk, root, '0', '../lock')).rejects.toMatchObject({ code: 'SPOOL_NO_ENTRY' });
    await expect(showMessage(nodeDisk, root, first.id)).rejects.toMatchObject({ code: 'SPOOL_NO_MESSAGE' });
  });

  it('looks again when a file goes while it is looked for, and passes over what the disk does not give', async () => {
    const copy = await write();
    await spool.flush();
    const disk = new FaultyDisk(nodeDisk);
    let vanished = 0;
    disk.fault = (call, file) => {
      if (call === 'openToRead' && file.includes('outcome-') && vanished++ < 2) throw systemError('ENOENT');
    };
    expect(await showMessage(disk, root, copy.id)).toMatchObject({ id: copy.id });
    vanished = -100;
    await expect(verify(disk, root)).rejects.toMatchObject({ code: 'ENOENT' });
    disk.fault = (call, file) => {
      if (call === 'openToRead' && file.includes('accept-')) throw systemError('ENOENT');
    };
    expect(await verify(disk, root)).toMatchObject({ messages: 0, faults: [{ what: 'unreadable', file: SEGMENT }] });
    disk.fault = (call, file) => {
      if (call === 'openToRead' && file.includes('accept-')) throw systemError('EACCES');
    };
    await expect(verify(disk, root)).rejects.toMatchObject({ code: 'EACCES' });
  });

  it('finds nothing where there is no spool', async () => {
    const nowhere = path.join(root, 'nowhere');
    expect(await verify(nodeDisk, nowhere)).toMatchObject({ parts: 0, messages: 0 });
    expect(await listQuarantine(nodeDisk, nowhere)).toEqual([]);
  });
});
