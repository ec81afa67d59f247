/** Finds the command a line means and runs it. */
import { CommandError, type ConsoleCommand, type Told } from './command.js';
import type { Answer, Request } from './frame.js';
import { joinWords, splitWords } from './split.js';

/** All commands there are at this moment: the core's and those of module instances. */
export type CommandBook = () => readonly ConsoleCommand[];

interface Match {
  readonly command: ConsoleCommand;
  readonly args: readonly string[];
}

/** The command with the longest name that the words begin with, whatever the case. */
export function findCommand(words: readonly string[], commands: readonly ConsoleCommand[]): Match | undefined {
  let best: Match | undefined;
  let length = 0;
  for (const command of commands) {
    const name = command.name.split(' ');
    if (name.length <= length || name.length > words.length) continue;
    if (!name.every((part, i) => part.toLowerCase() === words[i]?.toLowerCase())) continue;
    best = { command, args: words.slice(name.length) };
    length = name.length;
  }
  return best;
}

/** Commands that begin with what was typed; for completion and hints. */
export function completeCommand(typed: string, commands: readonly ConsoleCommand[]): readonly string[] {
  const wanted = typed.toLowerCase();
  return commands.map(({ name }) => name).filter((name) => name.toLowerCase().startsWith(wanted));
}

const hint = (words: readonly string[], commands: readonly ConsoleCommand[]): string => {
  const [first = ''] = words;
  const near = completeCommand(first.slice(0, 3), commands).slice(0, 5);
  return near.length === 0 ? 'Type "help" for the list of commands.' : `Did you mean: ${near.join(', ')}?`;
};

/** Asks all other workers; their answers carry data and text both. */
export type AskOthers = (command: string) => Promise<readonly Answer[]>;

/** Runs one request to its answer; never throws. Without `others` there are none. */
export async function answerRequest(
  request: Request,
  book: CommandBook,
  signal: AbortSignal,
  failed: (error: unknown) => void,
  others?: AskOthers,
): Promise<Answer> {
  const { id } = request;
  const words = splitWords(request.command);
  if (!words) return { id, ok: false, text: 'A quote is not closed.' };
  const json = request.json || words[0]?.toLowerCase() === 'json';
  const rest = words[0]?.toLowerCase() === 'json' ? words.slice(1) : words;
  const commands = book();
  const match = findCommand(rest, commands);
  if (!match) return { id, ok: false, text: `Unknown command "${rest.join(' ')}". ${hint(rest, commands)}` };
  const answer = others && match.command.merge ? await runEverywhere(match, others, signal, failed) : await runHere(match, signal, failed);
  if (!answer.ok) return { id, ok: false, text: answer.text ?? '' };
  return json ? { id, ok: true, data: answer.data } : { id, ok: true, text: answer.text ?? '' };
}

/** Runs a command that another worker passed on, with its words as they came; the answer carries data and text. */
export async function answerPassedOn(
  command: string,
  book: CommandBook,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<Answer> {
  const match = findCommand(splitWords(command) ?? [], book());
  return match ? runHere(match, signal, failed) : { id: 0, ok: false, text: `Unknown command ${command}.` };
}

/** A flag that the command does not know: most of all a rehearsal must not turn out to be the deed. */
function strangeFlag({ command, args }: Match): string | undefined {
  if (command.args?.includes('--')) return undefined;
  return args.find((word) => /^--[a-z]/.test(word));
}

async function runHere({ command, args }: Match, signal: AbortSignal, failed: (error: unknown) => void): Promise<Answer> {
  try {
    const flag = strangeFlag({ command, args });
    if (flag !== undefined) throw new CommandError(`"${command.name}" knows no ${flag}.`);
    const { data, text } = await command.run(args, signal);
    return { id: 0, ok: true, data, text };
  } catch (error) {
    if (error instanceof CommandError) return { id: 0, ok: false, text: error.message };
    failed(error);
    return {
      id: 0,
      ok: false,
      text: `The command failed: ${error instanceof Error ? error.message : 'unknown error'}. See the panic log.`,
    };
  }
}

async function runEverywhere(
  { command, args }: Match,
  others: AskOthers,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<Answer> {
  const { merge } = command;
  const asked = merge?.spread?.(args) ?? args;
  const [mine, theirs] = await Promise.all([
    runHere({ command, args: asked }, signal, failed),
    others(joinWords([...command.name.split(' '), ...asked])),
  ]);
  const told: Told[] = [];
  const refusals: string[] = [];
  for (const { ok, data, text = '' } of [mine, ...theirs]) {
    if (ok) told.push({ data, text });
    else refusals.push(text);
  }
  if (told.length === 0 || !merge) return mine;
  const { data, text } = merge.join(told, args);
  const notes = merge.any ? [] : refusals;
  return { id: 0, ok: true, data, text: [text, ...new Set(notes)].join('\n') };
}
