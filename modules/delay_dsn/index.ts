/** delay_dsn: tells senders that their mail still waits, again and again with growing pauses. */
import { defineModule, type Mail, NOTIFY, type Row, Waiting, type WaitingMail } from '#module';
import { countDue, dueAt } from './schedule.js';

/** Rows of the queue's table that are looked at in one turn of the loop. */
const PIECE = 20_000;
/** Seconds between two rounds over the queue, at most. */
const LONGEST_ROUND = 60;
/** Notices that are made at the same time. */
const AT_ONCE = 8;
/** Rows the console shows. */
const MOST_SHOWN = 1000;

/** Who may hear of a delay at all. */
const isTold = (mail: Mail): boolean => mail.sender !== null && !mail.notice && (mail.notify === 0 || (mail.notify & NOTIFY.delay) !== 0);

export default defineModule({
  name: 'delay_dsn',
  summary: 'Notices about mail that is still waiting.',
  options: {},
  check(_own, core) {
    const { delay_dsn_retry_interval: base, delay_dsn_max_retry_interval: cap } = core;
    return cap > 0 && cap < base ? [{ say: `delay_dsn_max_retry_interval (${cap} s) is below delay_dsn_retry_interval (${base} s)` }] : [];
  },

  register(ctx) {
    const waiting = ctx.use(Waiting);
    const intervals = ({ place }: Pick<WaitingMail, 'place'>) => {
      const { generate_delay_dsn: isOn, delay_dsn_retry_interval: base, delay_dsn_max_retry_interval: cap } = ctx.core(place);
      return isOn ? { base, cap } : undefined;
    };
    /** Everything up to here has been told. What was due while the daemon did not run is not made up for: it was told before, or is old news. */
    let told = ctx.now();

    const isDue = (mail: WaitingMail, until: number): boolean => {
      const times = intervals(mail);
      if (!times) return false;
      const count = (at: number): number => countDue((at - mail.receivedAt) / 1000, times.base, times.cap);
      return count(until) > count(told);
    };
    const tell = async ({ ticket }: WaitingMail): Promise<void> => {
      const mail = await waiting.read(ticket);
      if (!mail || !isTold(mail)) return;
      if (await waiting.tellDelay(mail)) ctx.count('delay_notices');
    };

    /** One round over the queue, with pauses so that mail goes on. */
    const round = async (signal: AbortSignal): Promise<void> => {
      const until = ctx.now();
      for (let from: number | undefined = 0; from !== undefined && !signal.aborted; ) {
        const { entries, next }: { entries: readonly WaitingMail[]; next: number | undefined } = waiting.roll(from, PIECE);
        const due = entries.filter((mail) => isDue(mail, until));
        for (let i = 0; i < due.length && !signal.aborted; i += AT_ONCE) {
          const results = await Promise.allSettled(due.slice(i, i + AT_ONCE).map(tell));
          for (const result of results)
            if (result.status === 'rejected') ctx.log('error', `a notice of delay could not be made: ${String(result.reason)}`);
        }
        from = next;
        if (from !== undefined) await new Promise((done) => setImmediate(done));
      }
      if (!signal.aborted) told = until;
    };

    const pace = (): number => Math.max(1, Math.min(LONGEST_ROUND, Math.floor(ctx.core({}).delay_dsn_retry_interval / 60)));
    // Each worker tells of the mail that it has.
    ctx.every(pace, round);
    ctx.command('show pending events', {
      doc: `Mails that a notice of delay is due for, those with the earliest first; ${MOST_SHOWN} at most.`,
      run: async () => {
        const now = ctx.now();
        const rows: { mail: WaitingMail; at: number }[] = [];
        for (let from: number | undefined = 0; from !== undefined; ) {
          const { entries, next }: { entries: readonly WaitingMail[]; next: number | undefined } = waiting.roll(from, PIECE);
          for (const mail of entries) {
            const times = intervals(mail);
            if (!times) continue;
            const n = countDue((now - mail.receivedAt) / 1000, times.base, times.cap) + 1;
            rows.push({ mail, at: mail.receivedAt + dueAt(n, times.base, times.cap) * 1000 });
          }
          rows.sort((a, b) => a.at - b.at).splice(MOST_SHOWN);
          from = next;
        }
        const shown: Row[] = [];
        for (const { mail: entry, at } of rows) {
          const mail = await waiting.read(entry.ticket);
          if (mail && isTold(mail))
            shown.push({ id: mail.id, sender: String(mail.sender), recipient: String(mail.recipient), next: new Date(at).toISOString() });
        }
        return shown;
      },
    });
  },
});
