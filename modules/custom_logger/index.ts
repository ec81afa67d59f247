/** custom_logger: a line for each event, in a format of the operator's own. */
import { Bounces, defineModule, formatOneLine, type MacroEvent, type MacroKind, Macros, type Message, Pathways, Writers } from '#module';
import { Icu } from '../icu/api.js';
import { readFormat } from './format.js';
import { readHeader } from './header.js';
import { listNeeds, readNamespaces } from './namespaces.js';
import { findObjections, options, STAGES } from './options.js';
import { readSanitize } from './sanitize.js';
import type { Tools } from './specifiers.js';
import { Targets } from './targets.js';

export default defineModule({
  name: 'custom_logger',
  summary: "Logs in formats of one's own.",
  needs: ['icu'],
  after: ['tls_macros', 'spf_macros'],
  options,
  check: (own) => [...findObjections(own)],

  register(ctx) {
    const own = ctx.options;
    for (const objection of findObjections(own)) if (objection.level !== 'warning') return objection;
    const cleaner = readSanitize(own.sanitize);
    if ('say' in cleaner) return { option: 'sanitize', say: cleaner.say };
    const macros = ctx.use(Macros);
    const namespaces = readNamespaces(own.namespace, (name) => macros.find(name));
    if ('say' in namespaces) return { option: 'namespace', say: namespaces.say };
    for (const running of listNeeds(namespaces)) ctx.use(running);

    const [writers, bounces, pathways, charsets] = [ctx.use(Writers), ctx.use(Bounces), ctx.use(Pathways), ctx.use(Icu)];
    const tools: Tools = {
      nameOfClass: (bounceClass) => bounces.nameOf(bounceClass) ?? '',
      groupOfPathway: (pathway) => pathways.groupOf(pathway) ?? '',
      readHeader: ({ headers, reception }: Message, name) =>
        readHeader(headers, name, charsets, () => pathways.charsetOf(reception.pathway)),
      clean: cleaner.clean,
      formatReply: formatOneLine,
    };
    const targets = new Targets((uri, permissions) =>
      ctx.hold(
        uri,
        () => writers.open(uri, { permissions, owner: ctx.name }),
        (writer) => void writer.close(),
      ),
    );

    const lines = new Map<MacroKind, (event: MacroEvent) => void>();
    for (const { kind } of STAGES) {
      const text = own[`${kind}_format`];
      if (text === undefined) continue;
      const read = readFormat(text, namespaces, tools);
      if ('say' in read) return { option: `${kind}_format`, say: read.say };
      const file = own[`${kind}_logfile`];
      const write = file === undefined ? targets.at(own.mainlog, own.mainlog_mode) : targets.at(file, own[`${kind}_log_mode`]);
      lines.set(kind, (event) => write(read.line(event)));
    }

    const received = lines.get('reception');
    if (received) {
      ctx.on('received', (mail, session) =>
        received({ kind: 'reception', mail, place: mail.place, session: session ?? undefined, at: mail.reception.receivedAt }),
      );
    }
    for (const [kind, hook] of [
      ['delivery', 'delivered'],
      ['transient_failure', 'deferred'],
      ['permanent_failure', 'failed'],
    ] as const) {
      const ended = lines.get(kind);
      if (ended) ctx.on(hook, (attempt) => ended({ kind, attempt, mail: attempt.mail, place: attempt.place, at: attempt.at }));
    }
    const refused = lines.get('rejection');
    if (refused) {
      ctx.on('rejected', (rejection) =>
        refused({ kind: 'rejection', rejection, mail: rejection.draft, session: rejection.session, at: rejection.at }),
      );
    }
    if (own.log_errors) {
      const panic = targets.at(own.paniclog, own.paniclog_mode);
      ctx.on('logged', ({ at, module, text }) => panic(`${Math.floor(at / 1000)}:${module}: ${text}`));
    }

    ctx.on('log_reopen', () => void targets.reopen());
    ctx.command('reopen logs', {
      doc: 'Close and open the files again, as after a rotation.',
      writes: true,
      run: async () => {
        await targets.reopen();
        return 'Logs reopened.';
      },
    });
    ctx.command('status', {
      doc: 'Lines written by file, characters that wait to be written, and lines that had to be dropped.',
      merge: 'sum',
      run: () => targets.rows(),
    });
    return undefined;
  },
});
