/** The options of a custom_logger stanza, and what is wrong with them together. Long: it is a table. */
import { type MacroKind, type Objection, opt, type Values } from '#module';
import { readFormat } from './format.js';
import { readNamespaces } from './namespaces.js';
import { readSanitize } from './sanitize.js';
import type { Tools } from './specifiers.js';

const format = (what: string) => opt.string({ doc: `Format of the lines of ${what}; a format switches them on.` });
const logfile = (what: string) => opt.string({ doc: `File or URI of the lines of ${what}; unset writes them to mainlog.` });
const mode = (what: string) => opt.permissions({ doc: `Permissions of the file of ${what}.`, default: 0o644 });
const flag = (what: string) => opt.bool({ doc: `Write lines of ${what}; needs a format, which is enough by itself.`, default: false });

export const options = {
  mainlog: opt.string({ doc: 'File or URI of all lines that have none of their own.', default: '/var/log/ecelerity/mainlog.cl' }),
  mainlog_mode: mode('all lines'),
  paniclog: opt.string({ doc: 'File or URI of trouble of the daemon and its modules.', default: '/var/log/ecelerity/paniclog.cl' }),
  paniclog_mode: mode('trouble'),
  reception_format: format('receptions'),
  reception_logfile: logfile('receptions'),
  reception_log_mode: mode('receptions'),
  delivery_format: format('deliveries'),
  delivery_logfile: logfile('deliveries'),
  delivery_log_mode: mode('deliveries'),
  transient_failure_format: format('transient failures'),
  transient_failure_logfile: logfile('transient failures'),
  transient_failure_log_mode: mode('transient failures'),
  permanent_failure_format: format('permanent failures'),
  permanent_failure_logfile: logfile('permanent failures'),
  permanent_failure_log_mode: mode('permanent failures'),
  rejection_format: format('refused clients and messages'),
  rejection_logfile: logfile('refused clients and messages'),
  rejection_log_mode: mode('refused clients and messages'),
  xfer_format: format('mail moved to another node'),
  xfer_logfile: logfile('mail moved to another node'),
  xfer_log_mode: mode('mail moved to another node'),
  log_receptions: flag('receptions'),
  log_deliveries: flag('deliveries'),
  log_transient_failures: flag('transient failures'),
  log_permanent_failures: flag('permanent failures'),
  log_rejections: flag('refused clients and messages'),
  log_errors: opt.bool({ doc: 'Write trouble of the daemon and its modules to paniclog.', default: false }),
  namespace: opt.string({ doc: 'Where names of macros are looked for, parted by commas.', default: 'custom_logger,sieve' }),
  sanitize: opt.blank({
    doc: 'What is done to %n and %h: special_characters, non_printable and tr/.../.../, parted by commas.',
    default: '',
  }),
  concurrency: opt.int({ doc: 'Threads that write; no effect, nothing here waits for a write.', default: 1, min: 1 }),
  thread_pool: opt.string({ doc: 'Pool of threads that write; no effect, nothing here waits for a write.' }),
};

export type Own = Values<typeof options>;

/** Stages with the option that switches each on. */
export const STAGES: readonly { readonly kind: MacroKind; readonly flag?: keyof Own & `log_${string}` }[] = [
  { kind: 'reception', flag: 'log_receptions' },
  { kind: 'delivery', flag: 'log_deliveries' },
  { kind: 'transient_failure', flag: 'log_transient_failures' },
  { kind: 'permanent_failure', flag: 'log_permanent_failures' },
  { kind: 'rejection', flag: 'log_rejections' },
  { kind: 'xfer' },
];

const BLIND: Tools = {
  nameOfClass: String,
  groupOfPathway: () => '',
  readHeader: () => '',
  clean: (text) => text,
  formatReply: ({ text }) => text,
};

const THREADS = 'no effect: lines are gathered and written without threads, and mail never waits for them.';

/** Everything that is wrong; macros of other modules are judged by their names. */
export function* findObjections(own: Own): Generator<Objection> {
  const reading = readSanitize(own.sanitize);
  if ('say' in reading) yield { option: 'sanitize', say: reading.say };
  const namespaces = readNamespaces(own.namespace);
  if ('say' in namespaces) yield { option: 'namespace', say: namespaces.say };
  for (const { kind, flag: switchedBy } of STAGES) {
    const option = `${kind}_format` as const;
    const text = own[option];
    if (text === undefined) {
      if (switchedBy && own[switchedBy]) yield { option: switchedBy, say: `${switchedBy} is on, but there is no ${option}` };
      if (own[`${kind}_logfile`] !== undefined) {
        yield { option: `${kind}_logfile`, say: `${kind}_logfile has no effect without ${option}.`, level: 'warning' };
      }
      continue;
    }
    const read = 'say' in namespaces ? undefined : readFormat(text, namespaces, BLIND);
    if (read && 'say' in read) yield { option, say: read.say };
    else if (read && read.lone.length > 0) {
      yield { option, say: `The % at ${read.lone.join(', ')} begins no macro and stands for itself; write %%.`, level: 'warning' };
    }
  }
  if (own.xfer_format !== undefined) {
    yield { option: 'xfer_format', say: 'xfer_format has no effect: mail does not move between nodes in this build.', level: 'warning' };
  }
  const { concurrency, thread_pool } = own;
  if (concurrency !== 1) yield { option: 'concurrency', say: `concurrency has ${THREADS}`, level: 'warning' };
  if (thread_pool !== undefined) yield { option: 'thread_pool', say: `thread_pool has ${THREADS}`, level: 'warning' };
}
