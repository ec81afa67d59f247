/** pipe_transport: a program takes the mail of its domains, a run for each recipient, and its exit status is the answer. */
import fs from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { type Context, type Draft, defineModule, deliverNow, type Objection, opt, Pool, reject, reply, withLineFeeds } from '#module';
import { fillArguments, findFault as findArgumentFault, makeEnvironment } from './arguments.js';
import { answerFor, findFault as findCodeFault, readCodes } from './codes.js';
import { killGroup, type Program, runProgram } from './run.js';
import { findUser } from './user.js';

/** Longest time a message waits for its turn, in seconds; with the longest run it is what a client waits. */
const WAIT_SECONDS = 110;
const LONGEST_RUN_SECONDS = 120;

const BAD_NAME = reject('550 5.1.3 bad address for the program');
const NOT_RUN = reply(451, '4.3.0', 'pipe transport could not be run');

const options = {
  program_name: opt.string({ doc: 'The program, with its full path.', required: true }),
  domain: opt.strings({ doc: 'Domains whose mail the program takes.', required: true }),
  output_file: opt.string({ doc: 'What the program says on standard output is added to this file.', default: '/dev/null' }),
  error_file: opt.string({ doc: 'What the program says on standard error is added to this file.', default: '/dev/null' }),
  code: opt.map({ doc: 'Replies by exit status: [ 100 = "550 command failed" ].', default: {} }),
  args: opt.strings({
    doc: 'Arguments; {sender}, {recipient}, {user}, {domain} and {id} are filled in. No shell sees them.',
    default: [],
    origin: 'ours',
  }),
  env: opt.map({ doc: 'Further environment of the program.', default: {}, origin: 'ours' }),
  timeout: opt.number({
    doc: 'Seconds a run may take; then it is killed and the client tries again.',
    default: 60,
    min: 0.1,
    max: LONGEST_RUN_SECONDS,
    origin: 'ours',
  }),
  concurrency: opt.int({ doc: 'Runs at the same time, in each worker.', default: 10, min: 1, max: 1000, origin: 'ours' }),
  user: opt.string({ doc: 'User the program runs as; only a daemon that runs as root can do that.', origin: 'ours' }),
  line_ending: opt.choice('lf', 'crlf')({ doc: 'Line ends of what the program reads.', default: 'lf', origin: 'ours' }),
};

export default defineModule({
  name: 'pipe_transport',
  summary: 'Hand each message to a program at reception.',
  options,
  check(own) {
    const objections: Objection[] = [];
    for (const option of ['program_name', 'output_file', 'error_file'] as const)
      if (!path.isAbsolute(own[option])) objections.push({ option, say: `"${own[option]}" is not a full path` });
    if (own.domain.length === 0) objections.push({ option: 'domain', say: 'no domain is named' });
    for (const [status, text] of Object.entries(own.code)) {
      const say = findCodeFault(status, text);
      if (say !== undefined) objections.push({ option: 'code', say });
    }
    for (const argument of own.args) {
      const say = findArgumentFault(argument);
      if (say !== undefined) objections.push({ option: 'args', say });
    }
    return objections;
  },

  async register(ctx) {
    const { program_name: file, user } = ctx.options;
    try {
      await access(file, fs.constants.X_OK);
    } catch (error) {
      return { option: 'program_name', say: `${file} cannot be run: ${error instanceof Error ? error.message : String(error)}` };
    }
    if (user !== undefined && process.getuid?.() !== 0)
      return { option: 'user', say: 'only a daemon that runs as root can run it as another user' };
    const owner = user === undefined ? undefined : findUser((await ctx.readFile('/etc/passwd')).toString(), user);
    if (user !== undefined && owner === undefined) return { option: 'user', say: `there is no user ${user}` };
    serve(ctx, owner);
    return undefined;
  },
});

function serve(ctx: Context<typeof options>, owner: Program['owner']): void {
  const own = ctx.options;
  const domains = new Set(own.domain.map((name) => name.toLowerCase()));
  const codes = readCodes(own.code);
  const pool = new Pool(own.concurrency);
  const program: Program = {
    file: own.program_name,
    outputFile: own.output_file,
    errorFile: own.error_file,
    timeoutMs: own.timeout * 1000,
    owner,
    running: keepRunning(ctx),
  };
  ctx.on('spool', (draft) => {
    if (!domains.has(draft.recipient.domain)) return undefined;
    const words = fillArguments(own.args, draft);
    if (!words) return BAD_NAME;
    const env = makeEnvironment(own.env, draft);
    return deliverNow(async (signal) => {
      try {
        const ending = await pool.run(() => {
          const octets = octetsOf(draft);
          return runProgram(program, words, env, own.line_ending === 'lf' ? withLineFeeds(octets) : octets, signal);
        }, signal);
        ctx.count('runs', { ended: ending.kind });
        return answerFor(ending, codes, draft.id);
      } catch (error) {
        signal.throwIfAborted();
        ctx.log('error', `${program.file} could not be run for ${draft.id}: ${error instanceof Error ? error.message : String(error)}`);
        return NOT_RUN;
      }
    }, WAIT_SECONDS + own.timeout);
  });
}

async function* octetsOf({ headers, content }: Draft): AsyncGenerator<Uint8Array> {
  yield headers.bytes();
  yield* content.read();
}

/** The programs that run, over reloads: none of them outlives the daemon and takes the end of its input for the end of the message. */
function keepRunning(ctx: Context<typeof options>): Set<number> {
  const { running } = ctx.hold(
    'pipe_transport',
    () => {
      const groups = new Set<number>();
      const end = (): void => groups.forEach(killGroup);
      process.on('exit', end);
      return { running: groups, end };
    },
    ({ end }) => void process.off('exit', end),
  );
  return running;
}
