/** What a bounce log is: its options, its lines, and how it is kept; shared with the log that has a text of its own. */
import { type Address, type Attempt, type Bounce, type Context, type Message, opt, STAGE, Writers } from '#module';

/** The options of a bounce log with this file by default. */
export const makeBounceLogOptions = (file: string) => ({
  bouncelog: opt.string({ doc: 'File or URI of bounces.', default: file }),
  bouncelog_mode: opt.permissions({ doc: 'Permissions of the bounce log.', default: 0o644 }),
  heartbeat: opt.seconds({ doc: 'Time between two lines that say the log is alive; 0 writes none.', default: 60 }),
  log_inband_bounces: opt.bool({ doc: 'Write B lines of mail that failed here.', default: true }),
  log_outofband_bounces: opt.bool({ doc: 'Write B lines of notices that came in for bounce_domains.', default: true }),
  log_transient_failures: opt.bool({ doc: 'Write T lines.', default: true }),
});

export type BounceLogOptions = ReturnType<typeof makeBounceLogOptions>;

/** A mail that asks to be on a list is no bounce (class "subscribe"). */
const SUBSCRIBE = 80;

export type Stamp = (ms: number) => string;

/** Seconds, or microseconds in 16 digits with log_hires_timestamp. */
export const stampSeconds: Stamp = (ms) => String(Math.floor(ms / 1000));
export const stampMicroseconds: Stamp = (ms) => String(Math.floor(ms * 1000)).padStart(16, '0');

const escapeAt = (text: string): string => (text.includes('@') ? text.replaceAll('@', '\\@') : text);
const local = (address: Address | null | undefined): string => (address ? escapeAt(address.local) : '');
const domain = (address: Address | null | undefined): string => address?.domain ?? '';

/** B: a failure for good, here or elsewhere (16 fields, the reply last). */
export function formatBounce(bounce: Bounce, stamp: Stamp): string {
  const { mail, recipient, sender, place } = bounce;
  return `${stamp(bounce.at)}@${mail.id}@${mail.reception.batchId}@${bounce.connectionId || mail.reception.connectionId}@B@${local(recipient)}@${domain(recipient)}@${local(sender)}@${domain(sender)}@${place.group}@${place.binding}@${bounce.stage}@${bounce.bounceClass}@${mail.size}@${bounce.ip}@${bounce.reply}`;
}

/** T: a transient failure, the same fields. */
export function formatTransient(attempt: Attempt, stamp: Stamp): string {
  const { mail, place } = attempt;
  return `${stamp(attempt.at)}@${mail.id}@${mail.reception.batchId}@${attempt.connectionId || mail.reception.connectionId}@T@${local(mail.recipient)}@${domain(mail.recipient)}@${local(mail.sender)}@${domain(mail.sender)}@${place.group}@${place.binding}@${attempt.stage}@${attempt.bounceClass}@${mail.size}@${attempt.hop?.ip ?? ''}@${attempt.reply}`;
}

/** Keeps a bounce log. `extend` makes the end of a line from the line and the message it is about. */
export function keepBounceLog(ctx: Context<BounceLogOptions>, extend: (line: string, message: Message) => string): void {
  const { options } = ctx;
  const log = ctx.hold(
    options.bouncelog,
    () => ctx.use(Writers).open(options.bouncelog, { permissions: options.bouncelog_mode, owner: ctx.name }),
    (writer) => void writer.close(),
  );
  const stamp = ctx.core({}).log_hires_timestamp ? stampMicroseconds : stampSeconds;

  if (options.log_inband_bounces || options.log_outofband_bounces) {
    ctx.on('bounced', (bounce) => {
      if (bounce.bounceClass === SUBSCRIBE) return;
      const isWanted = bounce.stage === STAGE.outOfBand ? options.log_outofband_bounces : options.log_inband_bounces;
      if (isWanted) log.line(extend(formatBounce(bounce, stamp), bounce.mail));
    });
  }
  if (options.log_transient_failures) {
    ctx.on('deferred', (attempt) => {
      const pattern = ctx.core(attempt.mail).bounce_pattern;
      if (pattern && !pattern.test(attempt.mail.sender ? String(attempt.mail.sender) : '')) return;
      log.line(extend(formatTransient(attempt, stamp), attempt.mail));
    });
  }
  ctx.on('log_reopen', () => void log.reopen());
  ctx.every(
    () => options.heartbeat,
    () => log.line(`${stamp(ctx.now())}@@@@M1`),
    'once',
  );
  ctx.command('reopen logs', {
    doc: 'Close and open the file again, as after a rotation.',
    writes: true,
    run: async () => {
      await log.reopen();
      return 'Logs reopened.';
    },
  });
  ctx.command('internal stats', {
    doc: 'Lines that had to be dropped.',
    merge: 'sum',
    run: () => [{ log: options.bouncelog, dropped: log.dropped }],
  });
}
