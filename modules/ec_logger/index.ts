/** ec_logger: the main, reject, panic and account logs in Momentum's line formats. */
import { defineModule, opt, Writers } from '#module';
import {
  formatAuthentication,
  formatDelivery,
  formatFailure,
  formatReception,
  formatRejection,
  stampMicroseconds,
  stampSeconds,
} from './lines.js';

const mode = (doc: string) => opt.permissions({ doc, default: 0o644 });
const flag = (doc: string) => opt.bool({ doc, default: true });

export default defineModule({
  name: 'ec_logger',
  summary: 'The main, reject, panic, account and import logs.',
  options: {
    mainlog: opt.string({ doc: 'File or URI of receptions, deliveries and failures.', default: '/var/log/ecelerity/mainlog.ec' }),
    paniclog: opt.string({ doc: 'File or URI of trouble of the daemon and its modules.', default: '/var/log/ecelerity/paniclog.ec' }),
    rejectlog: opt.string({ doc: 'File or URI of refused clients and messages.', default: '/var/log/ecelerity/rejectlog.ec' }),
    acctlog: opt.string({ doc: 'File or URI of log-ins; unset writes none.' }),
    importlog: opt.string({ doc: 'File or URI of imported spools; unset writes none. Has no lines before spools can be imported.' }),
    heartbeat: opt.seconds({ doc: 'Time between two lines that say the log is alive; 0 writes none.', default: 60 }),
    mainlog_mode: mode('Permissions of the main log.'),
    paniclog_mode: mode('Permissions of the panic log.'),
    rejectlog_mode: mode('Permissions of the reject log.'),
    acctlog_log_mode: mode('Permissions of the account log.'),
    importlog_mode: mode('Permissions of the import log.'),
    log_receptions: flag('Write R lines.'),
    log_deliveries: flag('Write D lines.'),
    log_transient_failures: flag('Write T lines.'),
    log_permanent_failures: flag('Write P lines.'),
    log_rejections: flag('Write the reject log.'),
    log_errors: flag('Write the panic log.'),
  },

  register(ctx) {
    const { options } = ctx;
    const writers = ctx.use(Writers);
    const open = (path: string, permissions: number) =>
      ctx.hold(
        path,
        () => writers.open(path, { permissions, owner: ctx.name }),
        (writer) => void writer.close(),
      );

    const stamp = ctx.core({}).log_hires_timestamp ? stampMicroseconds : stampSeconds;
    const main = open(options.mainlog, options.mainlog_mode);
    const reject = open(options.rejectlog, options.rejectlog_mode);
    const panic = open(options.paniclog, options.paniclog_mode);
    const account = options.acctlog === undefined ? undefined : open(options.acctlog, options.acctlog_log_mode);
    const all = [main, reject, panic, ...(account ? [account] : [])];

    if (options.log_receptions) ctx.on('received', (mail) => main.line(formatReception(mail, stamp)));
    if (options.log_deliveries) ctx.on('delivered', (attempt) => main.line(formatDelivery(attempt, stamp)));
    if (options.log_transient_failures) ctx.on('deferred', (attempt) => main.line(formatFailure('T', attempt, stamp)));
    if (options.log_permanent_failures) ctx.on('failed', (attempt) => main.line(formatFailure('P', attempt, stamp)));
    if (options.log_rejections) ctx.on('rejected', (rejection) => reject.line(formatRejection(rejection, stamp)));
    if (options.log_errors) ctx.on('logged', (record) => panic.line(`${stamp(record.at)}:${record.module}: ${record.text}`));
    if (account) {
      ctx.on('authenticated', (session, user, result) => account.line(formatAuthentication(ctx.now(), session, user, result, stamp)));
    }
    ctx.on('log_reopen', () => {
      for (const writer of all) void writer.reopen();
    });

    ctx.every(
      () => options.heartbeat,
      () => {
        const at = stamp(ctx.now());
        main.line(`${at}@@@@M1`);
        reject.line(`${at}: Marker 1`);
      },
      'once',
    );

    ctx.command('reopen logs', {
      doc: 'Close and open the files again, as after a rotation.',
      writes: true,
      run: async () => {
        await Promise.all(all.map((writer) => writer.reopen()));
        return 'Logs reopened.';
      },
    });
    ctx.command('internal stats', {
      doc: 'Lines that had to be dropped, by file.',
      merge: 'sum',
      run: () => [
        { log: options.mainlog, dropped: main.dropped },
        { log: options.rejectlog, dropped: reject.dropped },
        { log: options.paniclog, dropped: panic.dropped },
      ],
    });
  },
});
