/** Core options, area L: logs, debugging, statistics. */
import { opt } from '../opt.js';
import { G } from '../scopes.js';

export const loggingOptions = {
  signing_stats: opt.choice('all', 'global', 'off')({ doc: 'How finely signatures are counted.', default: 'all', scopes: G }),
  timestampformat: opt.string({
    doc: 'Form of the time before lines on standard error, as strftime writes it.',
    default: '[%a %d %b %Y %H:%M:%S]',
    effect: 'never',
    differs: 'Standard error carries JSON lines, each with its time in milliseconds of the epoch.',
    scopes: G,
  }),
  trace_smtp_mode: opt.octal({
    doc: 'Permissions of files with SMTP dialogues.',
    default: 0o640,
    reload: 'restart',
    effect: 'restricts',
    scopes: G,
  }),
  log_hires_timestamp: opt.bool({
    doc: 'Write times in logs as 16 digits, in microseconds.',
    default: false,
    reload: 'restart',
    scopes: G,
  }),
};

const subsystems = (level: string, byDefault?: readonly string[]) =>
  byDefault
    ? opt.strings({ doc: `Subsystems whose messages of level ${level} go to the panic log.`, default: byDefault })
    : opt.strings({ doc: `Subsystems whose messages of level ${level} go to the panic log.` });

/** What `debug_flags` holds. */
export const debugFlagsOptions = {
  critical: subsystems('critical', ['ALL']),
  error: subsystems('error', ['ALL']),
  warning: subsystems('warning'),
  notice: subsystems('notice'),
  info: subsystems('info'),
  debug: subsystems('debug'),
};
