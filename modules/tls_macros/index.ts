/** tls_macros: how the connection of a delivery was encrypted, as macros for logs and as context of the message. */
import { type Attempt, defineModule, type MacroEvent, Macros } from '#module';
import { NAMES, NAMESPACE, type Name, Running } from './api.js';
import { describeAttempt } from './facts.js';

const isName = (name: string): name is Name => (NAMES as readonly string[]).includes(name);

export default defineModule({
  name: 'tls_macros',
  summary: 'TLS facts of deliveries for logs.',
  options: {},
  register(ctx) {
    /** Lines ask for several macros of one event: its attempt is described once. */
    const described = new WeakMap<Attempt, ReturnType<typeof describeAttempt>>();
    const describe = (attempt: Attempt): ReturnType<typeof describeAttempt> => {
      const texts = described.get(attempt) ?? describeAttempt(attempt);
      described.set(attempt, texts);
      return texts;
    };
    const levelOf = ({ attempt, place }: MacroEvent): string | undefined => attempt?.via?.tlsLevel ?? (place && ctx.core(place).tls);

    const takeBack = ctx.use(Macros).add(NAMESPACE, {
      names: NAMES,
      fill(name, event) {
        if (!isName(name)) return undefined;
        if (name === 'outbound_tls_type') return levelOf(event);
        return event.attempt && describe(event.attempt)[name];
      },
    });
    ctx.provide(Running, true);
    ctx.signal.addEventListener('abort', takeBack, { once: true });

    ctx.on(
      'attempted',
      (attempt) => {
        const { mail, place } = attempt;
        const texts = {
          ...describeAttempt(attempt),
          outbound_tls_type: levelOf({ kind: 'delivery', attempt, place, at: attempt.at }) ?? '',
        };
        for (const [name, text] of Object.entries(texts)) if (name !== 'local_ip') mail.facts.set(name, text);
      },
      { order: 'first' },
    );
  },
});
