/** reception_timing: takes the time of each mail from MAIL to its answer, and tells whoever writes it down. */
import { type Context, type Draft, defineModule, type Message, type Session } from '#module';
import { receptionTimed, type Timing } from './api.js';

/** Of the newest mail of a session; used again for the next one. */
interface Lap {
  /** Monotonic milliseconds of MAIL. */
  startedAt: number;
  /** The same of the final dot; negative before it. */
  dotAt: number;
  /** Undefined between mails, so that a silent session keeps no body in memory. */
  draft: Draft | undefined;
  /** The state in which something was refused and not answered yet; negative when nothing was. */
  refusedIn: number;
  /** What became of the message was told already. */
  isTold: boolean;
}

const PHASE = { sayHelo: 3, awaitMail: 4, sayMail: 5, sayRcpt: 7, body: 8, sayBody: 10 } as const;

/** A refusal comes while the answer is being made; the mail then stands where that command was awaited. */
const before = (phase: number): number =>
  phase === PHASE.sayHelo || phase === PHASE.sayMail || phase === PHASE.sayRcpt ? phase - 1 : phase;

const FAREWELL = 421;

/** Commands after which the client has no open mail. */
const ENDINGS: ReadonlySet<string> = new Set(['RSET', 'EHLO', 'HELO', 'LHLO', 'STARTTLS', 'QUIT']);
/** Commands whose refusal is a refusal of the mail or of a recipient of it. */
const STEPS: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', '.']);

export default defineModule({
  name: 'reception_timing',
  summary: 'Track how long it takes to receive or reject messages over SMTP.',
  validates: true,
  options: {},
  check: (_own, _core, stanzas) =>
    stanzas.includes('reception_timing_logger')
      ? []
      : [{ say: 'reception_timing without reception_timing_logger measures what nobody writes down.', level: 'warning' }],

  register(ctx) {
    const laps = new WeakMap<Session, Lap>();

    ctx.on(
      'mail_from',
      (session, _sender, draft) => {
        const lap = laps.get(session);
        if (lap) {
          lap.startedAt = ctx.mono();
          lap.dotAt = -1;
          lap.draft = draft;
          lap.refusedIn = -1;
          lap.isTold = false;
        } else laps.set(session, { startedAt: ctx.mono(), dotAt: -1, draft, refusedIn: -1, isTold: false });
        return undefined;
      },
      { order: 'first' },
    );

    ctx.on(
      'data',
      (session) => {
        const lap = laps.get(session);
        if (lap) lap.dotAt = ctx.mono();
        return undefined;
      },
      { order: 'first' },
    );

    ctx.on('received', (mail, session) => {
      const lap = session ? laps.get(session) : undefined;
      if (!session || !lap?.draft) return;
      lap.isTold = true;
      tellOf(ctx, 'received', session, lap, mail, 0);
    });

    ctx.on('rejected', ({ session, phase, draft }) => {
      const lap = laps.get(session);
      if (!lap?.draft) return;
      // Refusals of commands wait for their answer: what is not about this mail is refused as well.
      if (phase < PHASE.body || phase > PHASE.sayBody + 2) lap.refusedIn = phase;
      // The rest of a message that was refused is refused too.
      else if (draft || !lap.isTold) {
        lap.isTold = true;
        tellOf(ctx, 'rejected', session, lap, draft, phase);
      }
    });

    ctx.on('command', (session, verb, _line, { code }) => {
      if (code >= 400) {
        const lap = laps.get(session);
        if (STEPS.has(verb)) tellRefusal(ctx, session, lap, verb, code);
        else if (lap) lap.refusedIn = -1;
        // The connection ends behind it, and with it the mail.
        if (lap && code === FAREWELL) lap.refusedIn = session.phase;
      } else if (verb === '.' || ENDINGS.has(verb)) {
        const lap = laps.get(session);
        if (lap) lap.draft = undefined;
      }
    });

    ctx.on('disconnected', (session) => {
      const lap = laps.get(session);
      if (!lap?.draft || lap.isTold) return;
      // Sent away while it said nothing that could be answered (a deadline, a shut-down).
      if (lap.refusedIn >= 0) tellOf(ctx, 'rejected', session, lap, undefined, before(lap.refusedIn));
      else tellOf(ctx, 'disconnected', session, lap, undefined, session.phase);
      lap.draft = undefined;
    });
  },
});

/** A command of this mail was refused. */
function tellRefusal(ctx: Context, session: Session, lap: Lap | undefined, verb: string, code: number): void {
  const isOpen = lap?.draft !== undefined;
  if (verb === 'MAIL') {
    // Within an open mail it is a mistake of the client's, and the mail goes on. Before HELO there is no mail to time.
    if (session.phase !== PHASE.awaitMail) return;
    tellOf(ctx, 'rejected', session, isOpen ? lap : undefined, undefined, PHASE.awaitMail);
  } else if (lap && isOpen && !lap.isTold) {
    const phase = lap.refusedIn >= 0 ? before(lap.refusedIn) : verb === '.' ? PHASE.sayBody : before(session.phase);
    lap.isTold = code === FAREWELL;
    tellOf(ctx, 'rejected', session, lap, undefined, phase);
  }
  if (!lap) return;
  lap.refusedIn = -1;
  if (verb === 'MAIL' || verb === '.') lap.draft = undefined;
}

/** `message` is what the refusal or the reception is about, when it is told; otherwise it is the mail that is coming in. */
function tellOf(
  ctx: Context,
  how: Timing['how'],
  session: Session,
  lap: Lap | undefined,
  message: Message | undefined,
  phase: number,
): void {
  const now = ctx.mono();
  const about = message ?? lap?.draft;
  ctx.tell(receptionTimed, {
    how,
    totalMs: lap ? now - lap.startedAt : 0,
    scannedMs: lap && lap.dotAt >= 0 ? now - lap.dotAt : 0,
    size: lap && lap.dotAt >= 0 ? about?.size : undefined,
    session,
    id: about?.id ?? '',
    batchId: about?.reception.batchId ?? '',
    messageId: about?.facts.get('cl_MID') ?? '',
    phase,
  });
}
