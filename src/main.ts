#!/usr/bin/env node
/** celeris: the one command; each subcommand is loaded when it is called. */
import { Command } from 'commander';
import { VERSION } from './server/version.js';

const DEFAULT_CONFIG = '/etc/celeris/ecelerity.conf';

const program = new Command('celeris').description('A mail transfer daemon.').version(VERSION).showHelpAfterError();

/** sysexits(3): the command was used wrongly. */
const USAGE = 64;
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE));

const configured = (command: Command): Command =>
  command.option('-c, --config <file>', 'configuration file', process.env.CELERIS_CONFIG ?? DEFAULT_CONFIG);

configured(program.command('start').description('run the daemon in the foreground')).action(async ({ config }) => {
  const { start } = await import('./bin/start.js');
  process.exitCode = await start(config);
});

program.command('worker', { hidden: true }).action(async () => {
  const { work } = await import('./bin/worker.js');
  process.exitCode = await work();
});

configured(program.command('check').description('check a configuration without running it'))
  .option('--json', 'print the problems as JSON')
  .action(async ({ config, json }) => {
    const { check } = await import('./bin/check.js');
    process.exitCode = await check(config, json === true);
  });

configured(program.command('config').description('look into a configuration without running it'))
  .argument('<verb>', 'show, showrecurse, get, eval or locate')
  .argument('[words...]', 'scope, instance and option')
  .option('--json', 'print data')
  .action(async (verb, words, { config, json }) => {
    const { inspect } = await import('./bin/config.js');
    process.exitCode = await inspect(config, verb, words, json === true);
  });

program
  .command('sink')
  .description('accept mail and throw it away, with scripted answers')
  .option('-p, --port <port>', 'port to listen on', '2526')
  .option('-H, --host <address>', 'address to listen on', '127.0.0.1')
  .option('--says <reply>', 'answer to every message, or PHASE=REPLY', collect, [])
  .option('--script <file>', 'YAML file of rules')
  .option('--show', 'print subject and parts of each message')
  .option('--dump <folder>', 'write each message to a file')
  .option('--maildir <folder>', 'store each message in a maildir')
  .option('--lmtp', 'speak LMTP')
  .option('-q, --quiet', 'print nothing but the counts at the end')
  .action(async (options) => {
    const { sink } = await import('./bin/sink.js');
    process.exitCode = await sink(options);
  });

program
  .command('try')
  .description('send one message through a daemon and a sink of its own and show what happened')
  .option('--sink-says <reply>', 'what the sink answers to the message, e.g. 451')
  .option('--json', 'print the time-line as data')
  .action(async ({ sinkSays, json }) => {
    const { tryOut } = await import('./bin/try.js');
    process.exitCode = await tryOut({ ...(sinkSays !== undefined && { sinkSays }), json: json === true });
  });

program
  .command('probe')
  .description('send bad input to any SMTP server and show how it takes it')
  .argument('<where>', 'HOST:PORT of the server')
  .option('-r, --recipient <address>', 'where test messages may go; without it none is sent')
  .option('--sender <address>', 'envelope sender (default: the null sender, which causes no notices)')
  .option('--helo <name>', 'name for EHLO (default: our address)')
  .option('--only <groups>', 'only these groups of cases, by commas')
  .option('--tls-only', 'STARTTLS before every case')
  .option('--implicit-tls', 'TLS from the first octet')
  .option('--json', 'print data')
  .action(async (where, options) => {
    const { probeServer } = await import('./bin/probe.js');
    process.exitCode = await probeServer(where, options);
  });

program
  .command('console')
  .description("talk to a running daemon's console")
  .argument('[words...]', 'ENDPOINT (a path with a slash, or host:port) and a command')
  .option('--json', 'answer with data')
  // The command has options of its own.
  .allowUnknownOption()
  .action(async (words, { json }) => {
    const { openConsole } = await import('./bin/console.js');
    process.exitCode = await openConsole(words, json === true);
  });

configured(program.command('spool').description('look into a spool without running the daemon'))
  .argument('<verb>', 'verify, show or export')
  .argument('[words...]', 'message id, or quarantine entry; export takes a file after it')
  .option('-s, --spool <folder>', 'spool folder in place of the one in the configuration')
  .action(async (verb, words, { config, spool }) => {
    const { inspectSpool } = await import('./bin/spool.js');
    process.exitCode = await inspectSpool({ config, verb, words, ...(spool !== undefined && { spool }) });
  });

function collect(value: string, all: string[]): string[] {
  return [...all, value];
}

await program.parseAsync();
