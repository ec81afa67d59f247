/** celeris console: one command, or a session with history and completion. */
import readline from 'node:readline';
import { ConsoleClient, parseEndpoint } from '../console/client.js';
import { joinWords } from '../console/split.js';
import { EXIT } from './exit.js';

const DEFAULT_ENDPOINT = process.env.CELERIS_CONSOLE ?? 'var/run/console.sock';

/** A first word with a slash or a port is the endpoint, everything after it the command. */
function readWords(words: readonly string[]): { readonly endpoint: string; readonly command: string } {
  const [first, ...rest] = words;
  const named = first !== undefined && (first.includes('/') || /:\d+$/.test(first) || first.endsWith('.sock'));
  return named ? { endpoint: first, command: joinCommand(rest) } : { endpoint: DEFAULT_ENDPOINT, command: joinCommand(words) };
}

/** The first word may be a whole command; a later one with blanks or quotes was one word for the shell and stays one. */
const joinCommand = (words: readonly string[]): string =>
  words.map((word, i) => (i > 0 && (word === '' || /[\s"'\\]/.test(word)) ? joinWords([word]) : word)).join(' ');

export async function openConsole(words: readonly string[], json: boolean): Promise<number> {
  const { endpoint, command } = readWords(words);
  const where = parseEndpoint(endpoint);
  if (!where) return complain(`"${endpoint}" is no endpoint`, EXIT.usage);
  let client: ConsoleClient;
  try {
    client = await ConsoleClient.connect(where);
  } catch (error) {
    return complain(`no console at ${endpoint}: ${reason(error)}`, EXIT.unavailable);
  }
  try {
    if (command !== '') return await runOne(client, command, json);
    return process.stdin.isTTY ? await converse(client, endpoint) : await runLines(client, json);
  } catch (error) {
    return complain(reason(error), EXIT.unavailable);
  } finally {
    client.close();
  }
}

async function runOne(client: ConsoleClient, command: string, json: boolean): Promise<number> {
  const answer = await client.ask(command, json);
  const text = answer.data === undefined ? (answer.text ?? '') : JSON.stringify(answer.data, undefined, 2);
  (answer.ok ? process.stdout : process.stderr).write(text === '' || text.endsWith('\n') ? text : `${text}\n`);
  return answer.ok ? EXIT.ok : EXIT.failed;
}

async function runLines(client: ConsoleClient, json: boolean): Promise<number> {
  let worst: number = EXIT.ok;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (line.trim() !== '' && !line.startsWith('#')) worst = Math.max(worst, await runOne(client, line, json));
  }
  return worst;
}

/** Interactive: prompt with time and endpoint, completion from the daemon's own list. */
async function converse(client: ConsoleClient, endpoint: string): Promise<number> {
  await runOne(client, 'version', false);
  const listed = await client.ask('help', true);
  const names = Array.isArray(listed.data) ? listed.data.map((row: { command?: unknown }) => String(row.command ?? '')) : [];
  const lines = readline.createInterface({
    input: process.stdin,
    output: process.stdout,
    historySize: 1000,
    completer: (typed: string) => [names.filter((name) => name.startsWith(typed)), typed],
  });
  const prompt = (): void => {
    lines.setPrompt(`${new Date().toTimeString().slice(0, 8)} ${endpoint}> `);
    lines.prompt();
  };
  prompt();
  for await (const line of lines) {
    const typed = line.trim();
    if (typed === 'quit' || typed === 'exit') break;
    if (typed !== '') await runOne(client, typed, false);
    prompt();
  }
  lines.close();
  return EXIT.ok;
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function complain(text: string, code: number): number {
  process.stderr.write(`celeris: ${text}\n`);
  return code;
}
