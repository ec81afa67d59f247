/** celeris sink: runs a sink in the foreground until it is interrupted, then prints its counts. */
import fs from 'node:fs/promises';
import { parseSaying, type Rule } from './rule.js';
import { parseScript } from './script.js';
import { printLine, printParts } from './show.js';
import { type Received, type Sink, startSink } from './sink.js';
import { openFolder, openMaildir, type Store } from './store.js';

/** The command's options as the command line gives them. */
export interface SinkCommand {
  readonly port?: string;
  readonly host?: string;
  /** `[PHASE[*TIMES]=]REPLY` each. */
  readonly says?: readonly string[];
  /** A YAML file of rules. */
  readonly script?: string;
  readonly show?: boolean;
  readonly dump?: string;
  readonly maildir?: string;
  readonly lmtp?: boolean;
  readonly quiet?: boolean;
}

/** Exit codes of sysexits.h: 0, EX_USAGE, EX_NOINPUT, EX_UNAVAILABLE. */
const EXIT = { ok: 0, usage: 64, noInput: 66, unavailable: 69 } as const;

/** Runs until SIGINT, SIGTERM or `signal`; resolves to the exit code. */
export async function runSink(command: SinkCommand, signal?: AbortSignal): Promise<number> {
  const port = Number(command.port ?? 2526);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return complain(`"${command.port}" is no port`, EXIT.usage);

  const rules: Rule[] = [];
  try {
    rules.push(...(command.says ?? []).map(parseSaying));
  } catch (error) {
    return complain(reason(error), EXIT.usage);
  }
  let stores: Store[];
  try {
    if (command.script !== undefined) rules.push(...parseScript(await fs.readFile(command.script, 'utf8'), command.script));
    stores = await Promise.all([
      ...(command.dump !== undefined ? [openFolder(command.dump)] : []),
      ...(command.maildir !== undefined ? [openMaildir(command.maildir)] : []),
    ]);
  } catch (error) {
    return complain(reason(error), EXIT.noInput);
  }

  let number = 0;
  const onMessage = async (message: Received): Promise<void> => {
    number += 1;
    const lines = command.quiet === true ? [] : [printLine(number, message)];
    for (const store of stores) lines.push(`  in ${await store(message)}`);
    if (command.show === true) lines.push(...(await printParts(message)));
    if (command.quiet !== true) process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  };

  let sink: Sink;
  try {
    sink = await startSink({ port, host: command.host ?? '127.0.0.1', rules, keep: false, onMessage, lmtp: command.lmtp === true });
  } catch (error) {
    return complain(reason(error), EXIT.unavailable);
  }
  if (command.quiet !== true) process.stdout.write(`sink listens on ${sink.host}:${sink.port}\n`);
  await interruption(signal);
  process.stdout.write(
    `${sink.messages} messages, ${sink.recipients} recipients, ${sink.connections} connections, at most ${sink.mostConnections} at once\n`,
  );
  await sink.close();
  return EXIT.ok;
}

function interruption(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function complain(text: string, code: number): number {
  process.stderr.write(`celeris sink: ${text}\n`);
  return code;
}
