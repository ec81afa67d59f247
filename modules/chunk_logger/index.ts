/** chunk_logger: free-form log lines of modules and scripts, written behind their back. */
import { defineModule, type LineWriter, opt, Writers } from '#module';
import { ChunkLog } from './api.js';
import { Backlog, type Target } from './backlog.js';
import { fileOf, findFileFault } from './destination.js';
import { compileTime, findFormatFault } from './strftime.js';

/** Characters kept when the destination does not keep up. */
const MOST = 64 << 20;
const REST_MS = 250;
const NEWLINES = /[\r\n]+/g;
const LAST_NEWLINE = /\r?\n$/;

/** A text on one line: a line end at its end is not said twice, one inside becomes a space. */
const onOneLine = (text: string): string =>
  text.includes('\n') || text.includes('\r') ? text.replace(LAST_NEWLINE, '').replace(NEWLINES, ' ') : text;

/** A file takes text as it is, other schemes take it line by line. */
const targetOf = (writer: LineWriter): Target => ({
  put: (text) => (writer.raw ? writer.raw(text) : writer.line(text)),
  putAll(texts) {
    if (writer.raw) writer.raw(texts.join(''));
    else for (const text of texts) writer.line(text);
  },
  flush: () => writer.flush(),
  get waiting() {
    return writer.waiting ?? 0;
  },
});

export default defineModule({
  name: 'chunk_logger',
  summary: 'Free-form log lines from policies.',
  options: {
    destination: opt.string({
      doc: 'File or URI that everything goes to.',
      required: true,
      check: (text) => (text.trim() === '' ? 'A destination is a path or a URI.' : undefined),
    }),
    timestamp_format: opt.string({
      doc: 'Form of the time before each text, as strftime writes it, with a space behind; unset writes none.',
      check: findFormatFault,
    }),
    add_newline: opt.bool({ doc: 'End each text with a newline; false writes it as it is.', default: true }),
  },
  check: (_own, _core, stanzas) =>
    stanzas.filter((name) => name === 'chunk_logger').length > 1
      ? [{ option: 'destination', say: 'There is one chunk log: a second chunk_logger would be a second destination.' }]
      : [],

  async register(ctx) {
    const { destination, timestamp_format: format, add_newline: addsNewline } = ctx.options;
    const file = fileOf(destination);
    const fault = file === undefined ? undefined : await findFileFault(file);
    if (fault !== undefined) return { option: 'destination', say: fault };

    const writer = ctx.use(Writers).open(destination, { permissions: 0o644, owner: ctx.name });
    const backlog = new Backlog({
      target: targetOf(writer),
      most: MOST,
      rest: () => ctx.sleep(REST_MS, ctx.signal),
      dropped: () => ctx.count('dropped'),
    });
    ctx.signal.addEventListener('abort', () => {
      backlog.empty();
      void writer.close();
    });
    if (!addsNewline && !writer.raw)
      return { option: 'add_newline', say: `${destination} takes whole lines only: add_newline = false cannot be kept` };

    const stamp = format === undefined ? undefined : compileTime(format);
    // Where only lines can be written the newline is not ours.
    const end = addsNewline && writer.raw ? '\n' : '';
    ctx.provide(ChunkLog, {
      log(text) {
        const said = addsNewline ? onOneLine(text) : text;
        backlog.push(stamp ? `${stamp(ctx.now())} ${said}${end}` : said + end);
      },
    });

    ctx.on('log_reopen', () => void writer.reopen());
    ctx.command('reopen logs', {
      doc: 'Close and open the file again, as after a rotation.',
      writes: true,
      run: async () => {
        await writer.reopen();
        return 'Logs reopened.';
      },
    });
    ctx.command('internal stats', {
      doc: 'What waits and what had to be dropped.',
      merge: 'sum',
      run: () => [{ log: destination, waiting: backlog.waiting + (writer.waiting ?? 0), dropped: backlog.dropped + writer.dropped }],
    });
    return undefined;
  },
});
