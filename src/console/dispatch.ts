/** Finds the command a line means and runs it. */
import { CommandError, type ConsoleCommand, type Told } from './command.js';
import type { Answer, Request } from './frame.js';
import { splitWords } from './split.js';

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

/** Runs one request to its answer; never throws. */
export async function answerRequest(
  request: Request,
  book: CommandBook,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<Answer> {
  const { id } = request;
  const words = splitWords(request.command);
  if (!words) return { id, ok: false, text: 'A quote is not closed.' };
  const json = request.json || words[0]?.toLowerCase() === 'json';
  const rest = words[0]?.toLowerCase() === 'json' ? words.slice(1) : words;
  const commands = book();
  const match = findCommand(rest, commands);
  if (!match) return { id, ok: false, text: `Unknown command "${rest.join(' ')}". ${hint(rest, commands)}` };
  try {
    const told: Told = await match.command.run(match.args, signal);
    return json ? { id, ok: true, data: told.data } : { id, ok: true, text: told.text };
  } catch (error) {
    if (error instanceof CommandError) return { id, ok: false, text: error.message };
    failed(error);
    return { id, ok: false, text: `The command failed: ${error instanceof Error ? error.message : 'unknown error'}. See the panic log.` };
  }
}
