/** One answer from several, and commands that go to all workers. */
import { describe, expect, it } from 'vitest';
import { CommandError, type ConsoleCommand, say } from './command.js';
import { joinTouched } from './commands/queue-words.js';
import { tlsCommands } from './commands/tls.js';
import type { Desk } from './desk.js';
import { answerPassedOn, answerRequest } from './dispatch.js';
import type { Answer } from './frame.js';
import { addRecords, addRows, everything, found, joinRows, type Merge, same } from './merge.js';
import { joinWords, splitWords } from './split.js';

const told = (...data: unknown[]) => data.map((each, i) => ({ data: each, text: `answer ${i}` }));

describe('merging', () => {
  it('adds the numbers of rows with the same words, and of records', () => {
    const places = addRows<{ domain: string; n: number; state?: string | undefined }>(
      ['domain'],
      (rows) => JSON.stringify(rows),
      (rows, [limit = '9']) => [...rows].sort((a, b) => b.n - a.n).slice(0, Number(limit)),
    );
    const answers = told(
      [
        { domain: 'a', n: 1 },
        { domain: 'b', n: 5 },
      ],
      [{ domain: 'a', n: 7, state: 'x' }],
    );
    expect(places.join(answers, []).data).toEqual([
      { domain: 'a', n: 8, state: 'x' },
      { domain: 'b', n: 5 },
    ]);
    expect(places.join(answers, ['1']).text).toBe('[{"domain":"a","n":8,"state":"x"}]');
    expect(addRecords<{ n: number; who: string }>(({ n }) => `${n} in all`).join(told({ n: 2, who: 'a' }, { n: 3, who: 'b' }), [])).toEqual(
      {
        data: { n: 5, who: 'a' },
        text: '5 in all',
      },
    );
  });

  it('keeps a word that is a number', () => {
    const rows = addRows<{ position: number; calls: number }>(['position'], String);
    expect(rows.join(told([{ position: 1, calls: 2 }], [{ position: 1, calls: 3 }]), []).data).toEqual([{ position: 1, calls: 5 }]);
  });

  it('puts rows and texts one after the other', () => {
    expect(joinRows<{ id: number }>((rows) => `${rows.length} rows`).join(told([{ id: 1 }], [{ id: 2 }]), [])).toEqual({
      data: [{ id: 1 }, { id: 2 }],
      text: '2 rows',
    });
    const texts = [
      { data: [], text: '(none)' },
      { data: [1], text: 'one' },
    ];
    expect(everything.join(texts, [])).toEqual({ data: [1], text: 'one' });
    expect(everything.join([{ data: [], text: '(none)' }], []).text).toBe('(none)');
  });
});

describe('a command for all workers', () => {
  const make = (merge: Merge | undefined, run: ConsoleCommand['run']): ConsoleCommand => ({
    name: 'count mail',
    doc: 'd',
    run,
    ...(merge && { merge }),
  });
  /** Asks the first worker; every other one runs the command of its place. */
  async function ask(line: string, commands: readonly ConsoleCommand[]): Promise<Answer> {
    const signal = new AbortController().signal;
    const [first, ...others] = commands;
    const pass = (command: string) =>
      Promise.all(
        others.map((other) =>
          answerPassedOn(
            command,
            () => [other],
            signal,
            () => {},
          ),
        ),
      );
    return answerRequest(
      { id: 1, command: line, json: false },
      () => (first ? [first] : []),
      signal,
      () => {},
      pass,
    );
  }
  const count = (n: number, merge: Merge | undefined): ConsoleCommand => make(merge, (args) => say(`${n} ${args}`, { n }));
  const refuse = (merge: Merge, text: string): ConsoleCommand =>
    make(merge, () => {
      throw new CommandError(text);
    });
  const sums = addRecords<{ n: number }>(({ n }) => `${n}`);

  it('is answered by the one that was asked when it has no way to merge', async () => {
    expect(await ask('count mail', [count(1, undefined), count(2, undefined)])).toMatchObject({ ok: true, text: '1 ' });
  });

  it('goes to all with its arguments, whatever they hold', async () => {
    const words = ['plain', 'two words', 'a "quote"', 'back\\slash', ''];
    expect(splitWords(joinWords(words))).toEqual(words);
    const heard: string[][] = [];
    const note = (merge: Merge) =>
      make(merge, (args) => {
        heard.push([...args]);
        return say('', { n: 1 });
      });
    expect(await ask('count mail "two words" x', [note(sums), note(sums)])).toMatchObject({ text: '2' });
    expect(heard).toEqual([
      ['two words', 'x'],
      ['two words', 'x'],
    ]);
    heard.length = 0;
    const spread = note({ ...sums, spread: ([first = '']) => [first, 'all'] });
    await ask('count mail one 5', [spread, spread]);
    expect(heard).toEqual([
      ['one', 'all'],
      ['one', 'all'],
    ]);
  });

  it('says which worker could not answer, unless one answer is enough', async () => {
    expect(await ask('count mail', [count(1, sums), refuse(sums, 'Worker 1 is being started.')])).toMatchObject({
      ok: true,
      text: '1\nWorker 1 is being started.',
    });
    expect(await ask('count mail', [refuse(found, 'Not here.'), count(7, found)])).toMatchObject({ ok: true, text: '7 ' });
    expect(await ask('count mail', [refuse(found, 'Not here.'), refuse(found, 'Nor here.')])).toEqual({
      id: 1,
      ok: false,
      text: 'Not here.',
    });
    expect(await ask('count mail', [count(1, same), count(1, same)])).toMatchObject({ text: '1 ' });
  });
});

describe('tls show cache', () => {
  it('tells what any of them keeps, once', async () => {
    const none = { authorities: 'default', ciphers: 'default', protocols: 'default' };
    const memories = [
      { contexts: [{ certificate: 'none', ...none }], plain: ['192.0.2.1'] },
      {
        contexts: [
          { certificate: '/x.pem', ...none },
          { certificate: 'none', ...none },
        ],
        plain: ['192.0.2.1', '192.0.2.2'],
      },
    ];
    const forget = { memory: () => ({ contexts: [], plain: [] }) };
    const [command] = tlsCommands({ tls: forget } as unknown as Desk).filter(({ name }) => name === 'tls show cache');
    expect(command?.merge?.join(told(...memories), [])).toMatchObject({
      data: { contexts: [{ certificate: 'none' }, { certificate: '/x.pem' }], plain: ['192.0.2.1', '192.0.2.2'] },
      text: expect.stringMatching(/^2 contexts\n[\s\S]*\n2 addresses in clear\n192\.0\.2\.1\n192\.0\.2\.2$/),
    });
  });
});

describe('rehearsals of several workers', () => {
  const told2 = (...data: unknown[]) => data.map((each) => ({ data: each, text: '' }));
  const purge = joinTouched<{ domain: string; messages: number }>(({ domain, messages }) => `${domain}: ${messages}`);

  it('are told as rehearsals, and count a queue once', () => {
    const answers = told2({ messages: 2, queues: 2, names: ['a', 'b'] }, { messages: 3, queues: 2, names: ['b', 'c'] });
    expect(purge.join(answers, ['--dry-run', 'x.test'])).toEqual({
      data: { messages: 5, queues: 3, names: ['a', 'b', 'c'] },
      text: 'would touch 5 messages in 3 queues',
    });
  });

  it('add the queues when one of them has too many to name', () => {
    const answers = told2({ messages: 2, queues: 2, names: ['a', 'b'] }, { messages: 3000, queues: 2000 });
    expect(purge.join(answers, ['--dry-run', 'x.test']).text).toBe('would touch 3002 messages in 2002 queues');
  });

  it('are not what the deed answers', () => {
    const answers = told2({ domain: 'x.test', messages: 2 }, { domain: 'x.test', messages: 3 });
    expect(purge.join(answers, ['x.test'])).toMatchObject({ data: { domain: 'x.test', messages: 5 }, text: 'x.test: 5' });
  });
});
