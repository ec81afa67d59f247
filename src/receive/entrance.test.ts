/** Messages that are made here take the same way in. */
import { describe, expect, it } from 'vitest';
import { bodyOf } from '../module/copy.js';
import type { MadeMessage } from '../module/flow.js';
import type { Context } from '../module/manifest.js';
import { discard, reject } from '../module/verdict.js';
import { makeRules } from '../server/rules.js';
import { InnerEntrance } from './entrance.js';
import { addressOf, openReception } from './fixture.js';

async function open(register: (ctx: Context) => void = () => {}) {
  const desk = await openReception(makeRules, { modules: { m: register } });
  return { ...desk, entrance: new InnerEntrance(desk.ports, desk.transit) };
}

const never = new AbortController().signal;

const made = (more: Partial<MadeMessage> = {}): MadeMessage => ({
  sender: null,
  recipients: [addressOf('a@x.test'), addressOf('b@y.test')],
  headers: Buffer.from('Subject: n\r\n\r\n'),
  content: bodyOf([Buffer.from('text\r\n')]),
  protocol: 'internal',
  notice: true,
  ...more,
});

describe('the inner entrance', () => {
  it('prepares without writing, admits without asking again', async () => {
    const { entrance, diary, queued, spool } = await open();
    const prepared = await entrance.prepare(made(), never);
    if ('refused' in prepared) throw new Error(prepared.refused.text);
    expect(diary).toEqual([]);
    expect(
      prepared.copies.map((copy) => [String(copy.recipient), copy.notice, copy.sender, copy.reception.protocol, copy.place.domain]),
    ).toEqual([
      ['a@x.test', true, null, 'internal', 'x.test'],
      ['b@y.test', true, null, 'internal', 'y.test'],
    ]);
    expect(prepared.copies[0]?.reception.source).toBeUndefined();
    await spool.write(prepared.copies);
    entrance.admit(prepared.copies);
    expect(diary).toEqual(['written 2', ...queued.flatMap(({ id }) => [`queued ${id}`, `received ${id} from us`])]);
  });

  it('takes a message all the way in', async () => {
    const { entrance, queued, diary } = await open();
    const { reply, copies } = await entrance.inject(made({ notice: false, sender: addressOf('s@x.test'), protocol: 'rest' }));
    expect(reply).toEqual({ code: 250, status: '2.0.0', text: `OK ${copies[0]?.id}` });
    expect(queued).toEqual(copies);
    expect(queued[0]).toMatchObject({ notice: false });
    expect(diary[0]).toBe('written 2');
  });

  it('knows when addresses need SMTPUTF8', async () => {
    const { entrance } = await open();
    const protocols = async (recipient: string, sender: string | null) =>
      (await entrance.inject(made({ recipients: [addressOf(recipient)], sender: sender === null ? null : addressOf(sender) }))).copies[0]
        ?.reception.smtpUtf8;
    expect(await protocols('a@x.test', null)).toBe(false);
    expect(await protocols('\u00e9@x.test', null)).toBe(true);
    expect(await protocols('a@x.test', '\u00e9@x.test')).toBe(true);
  });

  it('may be refused or dropped by hooks like every message', async () => {
    const no = await open((ctx) => ctx.on('final', () => reject('550 5.7.1 not even ours')));
    expect(await no.entrance.prepare(made(), never)).toEqual({ refused: { code: 550, status: '5.7.1', text: 'not even ours' } });
    expect((await no.entrance.inject(made())).reply.code).toBe(550);
    const dropped = await open((ctx) => ctx.on('spool_message', () => discard('quiet')));
    expect(await dropped.entrance.prepare(made(), never)).toEqual({ copies: [] });
    expect(await dropped.entrance.inject(made())).toMatchObject({ reply: { code: 250 }, copies: [] });
    expect([no.diary, dropped.diary]).toEqual([[], []]);
  });

  it('rejects when the spool cannot take it, and nothing is queued', async () => {
    const { entrance, spool, queued } = await open();
    spool.fails = new Error('EIO');
    await expect(entrance.inject(made())).rejects.toThrow('EIO');
    expect(queued).toEqual([]);
  });
});
