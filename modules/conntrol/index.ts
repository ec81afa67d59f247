/** conntrol: makes clients wait for the banner, tells those that talk first, and counts what nobody should say. */
import { defineModule, disconnect, opt } from '#module';

/** Longest pause, in seconds: clients give up on a banner after five minutes, operators' patience ends before. */
const LONGEST_PAUSE = 30;
const BANNER_LINE = /^220[ -]\S/;
const REPLY = /^[45]\d\d[ -]\S/;

/** Lines of a text as it goes over the wire; the last line end is optional. */
const linesOf = (text: string): readonly string[] => text.replace(/\r?\n$/, '').split(/\r?\n/);

export default defineModule({
  name: 'conntrol',
  summary: 'Control how inbound connections are established.',
  validates: true,
  options: {
    banner: opt.string({
      doc: 'Lines that go before the banner, each with its code as on the wire: "220-Welcome\\r\\n".',
      check: (text) =>
        linesOf(text).every((line) => BANNER_LINE.test(line)) ? undefined : 'Every line of a banner begins with 220- or 220.',
    }),
    pause_time: opt.number({
      doc: 'Seconds a client has to wait for the banner; who talks meanwhile is an early talker.',
      default: 0,
      min: 0,
      max: LONGEST_PAUSE,
    }),
    disconnect_ratware: opt.string({
      doc: 'Reply for early talkers, as on the wire, before the connection is closed. Unset, they are only marked.',
      check: (text) =>
        linesOf(text).every((line) => REPLY.test(line)) ? undefined : 'A reply that closes a connection begins with 4xx or 5xx.',
    }),
  },
  check(own) {
    return own.disconnect_ratware !== undefined && own.pause_time === 0
      ? [
          {
            option: 'disconnect_ratware',
            say: 'disconnect_ratware has no effect without pause_time: nobody is waited for.',
            level: 'warning',
          },
        ]
      : [];
  },

  register(ctx) {
    const { banner, pause_time: pauseSeconds, disconnect_ratware: farewell } = ctx.options;
    const texts = banner === undefined ? [] : linesOf(banner).map((line) => line.slice(4));

    ctx.on('connect', async (session, run) => {
      if (session.facts.get('conntrol_skip') === 'true') return undefined;
      if (texts.length > 0) session.banner = [...texts, session.banner].join('\n');
      if (pauseSeconds === 0 || !(await session.early(pauseSeconds, run.signal))) return undefined;
      session.facts.set('early_talker', 'yes');
      ctx.count('early_talkers');
      return farewell === undefined ? undefined : disconnect(linesOf(farewell).join(' '));
    });

    ctx.on('command', (session, _verb, _line, { code, status }) => {
      // 500 is no command at all; 501 and 555 are commands with something wrong behind them.
      if (code === 500 && status === '5.5.2') addOne(session.facts, 'conntrol_unrecognized_commands');
      else if (code === 501 || code === 555) addOne(session.facts, 'conntrol_bad_commands');
    });
  },
});

const addOne = (facts: { get(key: string): string | undefined; set(key: string, value: string): void }, key: string): void =>
  facts.set(key, String(Number(facts.get(key) ?? 0) + 1));
