import { describe, expect, it } from 'vitest';
import { CommandError, type ConsoleCommand, say, type Told } from './command.js';
import { answerRequest, completeCommand, findCommand } from './dispatch.js';

const command = (
  name: string,
  run: (args: readonly string[], signal: AbortSignal) => Told | Promise<Told> = (args) => say(`${name}(${args})`, { args }),
) => ({ name, doc: 'd', run }) satisfies ConsoleCommand;

const BOOK = [
  command('config'),
  command('config get'),
  command('fail domain'),
  command('flush domain'),
  command('ec_logger:main reopen logs'),
  command('refuse', () => {
    throw new CommandError('There is no such message.');
  }),
  command('break', () => Promise.reject(new Error('EIO'))),
  command('break oddly', () => {
    throw 'odd';
  }),
  command('wait', (_args, signal) => say(String(signal.aborted))),
];

async function ask(line: string, json = false, signal = new AbortController().signal) {
  const failures: unknown[] = [];
  const answer = await answerRequest(
    { id: 7, command: line, json },
    () => BOOK,
    signal,
    (error) => failures.push(error),
  );
  return { answer, failures };
}

describe('finding a command', () => {
  it.each([
    ['config get a b', 'config get', ['a', 'b']],
    ['config show', 'config', ['show']],
    ['CONFIG Get x', 'config get', ['x']],
    ['config', 'config', []],
    ['ec_logger:main reopen logs', 'ec_logger:main reopen logs', []],
  ])('takes the longest name of %j', (line, name, args) => {
    expect(findCommand(line.split(' '), BOOK)).toMatchObject({ command: { name }, args });
  });

  it.each([[''], ['conf'], ['fail'], ['fail domains'], ['domain fail']])('finds none in %j', (line) => {
    expect(findCommand(line.split(' '), BOOK)).toBeUndefined();
  });

  it('completes what was begun', () => {
    expect(completeCommand('F', BOOK)).toEqual(['fail domain', 'flush domain']);
    expect(completeCommand('config g', BOOK)).toEqual(['config get']);
    expect(completeCommand('zz', BOOK)).toEqual([]);
  });
});

describe('an answer', () => {
  it('is text, with the number of its request', async () => {
    expect((await ask('config get a "b c"')).answer).toEqual({ id: 7, ok: true, text: 'config get(a,b c)' });
  });

  it('is data when json is asked for, in the request or in front of the command', async () => {
    const expected = { id: 7, ok: true, data: { args: ['a'] } };
    expect((await ask('config get a', true)).answer).toEqual(expected);
    expect((await ask('json config get a')).answer).toEqual(expected);
    expect((await ask('JSON config get a')).answer).toEqual(expected);
  });

  it('says what is wrong with a line', async () => {
    expect((await ask('note "abc')).answer).toEqual({ id: 7, ok: false, text: 'A quote is not closed.' });
    expect((await ask('flosh domain x')).answer).toEqual({
      id: 7,
      ok: false,
      text: 'Unknown command "flosh domain x". Type "help" for the list of commands.',
    });
    expect((await ask('config-get x')).answer.text).toBe('Unknown command "config-get x". Did you mean: config, config get?');
    expect((await ask('json fail')).answer.text).toBe('Unknown command "fail". Did you mean: fail domain?');
    expect((await ask('')).answer.text).toMatch(/^Unknown command ""\. Did you mean: /);
    expect((await ask('json')).answer.ok).toBe(false);
  });

  it('is the words of a command that cannot do it, which is nobody\u2019s failure', async () => {
    const { answer, failures } = await ask('refuse');
    expect(answer).toEqual({ id: 7, ok: false, text: 'There is no such message.' });
    expect(failures).toEqual([]);
  });

  it('says so when a command breaks, and hands the error on', async () => {
    const { answer, failures } = await ask('break');
    expect(answer).toEqual({ id: 7, ok: false, text: 'The command failed: EIO. See the panic log.' });
    expect(failures).toEqual([expect.objectContaining({ message: 'EIO' })]);
    expect((await ask('break oddly')).answer.text).toBe('The command failed: unknown error. See the panic log.');
  });

  it('comes from a command that knows when its asker is gone', async () => {
    expect((await ask('wait', false, AbortSignal.abort())).answer.text).toBe('true');
  });
});
