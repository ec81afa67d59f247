/** Bounce classes by files of one's own: options and work, shared with the module's old name. */
import { type BounceRule, Bounces, type BounceVerdict, type Context, type Objection, opt, type Service } from '#module';
import { type Overrides, readOverrides, sortRules } from './overrides.js';

export const overrideOptions = {
  user_smtp_classification_override: opt.string({
    doc: 'File with rules for replies, "domain,code,rule" a line; relative to the configuration.',
    default: 'user_smtp_classification.ovr',
  }),
  user_mdn_classification_override: opt.string({
    doc: 'File with rules for notices that come in, "code,rule" a line.',
    default: 'user_mdn_classification.ovr',
  }),
  system_smtp_classification_override: opt.string({
    doc: 'As user_smtp_classification_override, kept up to date by somebody else; asked after it.',
    default: 'updates/smtp_classification.ovr',
  }),
  system_mdn_classification_override: opt.string({
    doc: 'As user_mdn_classification_override, kept up to date by somebody else; asked after it.',
    default: 'updates/mdn_classification.ovr',
  }),
  enable_system_updates: opt.bool({ doc: 'Read the system files.', default: true }),
  refresh: opt.seconds({ doc: 'Time after which the files are read again; 0 = never.', default: 300 }),
  custom_classes: opt.map({ doc: 'Classes of your own: numbers below 100 that the table does not have, with their names.', default: {} }),
};

export type OverrideOptions = typeof overrideOptions;

/** Numbers of core's table. */
const BUILT_IN: ReadonlySet<number> = new Set([1, 10, 20, 21, 22, 23, 24, 25, 30, 40, 50, 51, 52, 53, 54, 60, 70, 80, 90, 100]);

/** Whoever sits here decides; two would quarrel. */
export const Seat: Service<{ readonly name: string }> = { name: 'seat', module: 'bounce_classifier_override' };

const FILES = [
  'user_smtp_classification_override',
  'user_mdn_classification_override',
  'system_smtp_classification_override',
  'system_mdn_classification_override',
] as const;

/** What is wrong with the options by themselves. */
export function checkOverrides(
  own: { readonly custom_classes: Readonly<Record<string, string>> } & Readonly<Record<(typeof FILES)[number], string>>,
): readonly Objection[] {
  const wrong: Objection[] = [];
  for (const [code, name] of Object.entries(own.custom_classes)) {
    const number = Number(code);
    const say =
      !/^\d{1,3}$/.test(code) || number < 1 || number > 99
        ? `"${code}" is no number from 1 to 99`
        : BUILT_IN.has(number)
          ? `${code} is a class of the table and cannot be named anew`
          : name.trim() === ''
            ? `class ${code} has no name`
            : undefined;
    if (say !== undefined) wrong.push({ option: 'custom_classes', say });
  }
  for (const option of FILES)
    if (own[option].startsWith(':'))
      wrong.push({ option, say: 'rules from a datasource need the module ds_core, which this build does not have' });
  return wrong;
}

const EMPTY: Overrides = { rules: [], bad: [] };
const isMissing = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'ENOENT';

interface Loaded {
  readonly replies: (text: string, domain: string) => BounceVerdict | undefined;
  readonly notices: (text: string, domain: string) => BounceVerdict | undefined;
  readonly count: number;
}

/** Reads the files, answers the hooks, reads them again. What a file said last stays in force while it cannot be read. */
export async function keepOverrides(
  ctx: Context<OverrideOptions>,
): Promise<{ test(text: string, domain: string): BounceVerdict } | Objection> {
  const taken = takeSeat(ctx);
  if (taken) return taken;
  const { options } = ctx;
  const bounces = ctx.use(Bounces);
  const custom = new Map(Object.entries(options.custom_classes).map(([code, name]) => [Number(code), name]));
  const takeBack = [...custom].map(([code, name]) => bounces.nameClass(code, name));
  ctx.signal.addEventListener('abort', () => {
    for (const takeOne of takeBack) takeOne();
  });
  const isClass = (code: number): boolean => BUILT_IN.has(code) || custom.has(code);

  const kept = new Map<string, { readonly text: string; readonly overrides: Overrides }>();
  const read = async (file: string, kind: 'reply' | 'notice'): Promise<Overrides> => {
    const last = kept.get(file);
    try {
      const text = (await ctx.readFile(file)).toString('utf8');
      if (last?.text === text) return last.overrides;
      const overrides = readOverrides(text, kind, isClass);
      for (const { line, say } of overrides.bad.slice(0, 20)) ctx.log('error', `${file}:${line}: ${say}; the line is left out`);
      kept.set(file, { text, overrides });
      return overrides;
    } catch (error) {
      if (isMissing(error)) {
        if (last || !told.has(file)) ctx.log('notice', `${file} is not there: no rules from it`);
        told.add(file);
        kept.delete(file);
        return EMPTY;
      }
      ctx.log('error', `${file} cannot be read, its last rules stay: ${error instanceof Error ? error.message : String(error)}`);
      return last?.overrides ?? EMPTY;
    }
  };
  const told = new Set<string>();
  const load = async (): Promise<Loaded> => {
    const gather = async (files: readonly string[], kind: 'reply' | 'notice'): Promise<readonly BounceRule[]> =>
      (await Promise.all(files.map((file) => read(file, kind)))).flatMap(({ rules }) => sortRules(rules));
    const system = options.enable_system_updates;
    const smtp = [options.user_smtp_classification_override, ...(system ? [options.system_smtp_classification_override] : [])];
    const mdn = [options.user_mdn_classification_override, ...(system ? [options.system_mdn_classification_override] : [])];
    const [replies, notices] = [await gather(smtp, 'reply'), await gather(mdn, 'notice')];
    return { replies: bounces.compile(replies), notices: bounces.compile(notices), count: replies.length + notices.length };
  };
  let loaded = await load();
  const reload = async (): Promise<void> => {
    loaded = await load();
  };

  ctx.on('classify', (reply, domain) => {
    const found = loaded.replies(reply, domain.toLowerCase());
    if (found) ctx.log('debug', `class ${found.class} by "${found.rule}": ${reply}`);
    return found?.class;
  });
  ctx.on('classify_notice', (text) => loaded.notices(text, '')?.class);
  if (options.refresh > 0) ctx.every(() => options.refresh, reload);
  ctx.command('reload', {
    doc: 'Read the files again.',
    writes: true,
    run: async () => {
      await reload();
      return `${loaded.count} rules in force.`;
    },
  });
  return { test: (text, domain) => loaded.replies(text, domain.toLowerCase()) ?? bounces.explain(text) };
}

/** Sits down, or says who sits there. */
function takeSeat(ctx: Context<OverrideOptions>): Objection | undefined {
  let sitting: { readonly name: string } | undefined;
  try {
    sitting = ctx.use(Seat);
  } catch {
    ctx.provide(Seat, { name: ctx.name });
  }
  return (
    sitting && {
      say: `"${sitting.name}" decides about classes already: bounce_classifier and bounce_classifier_override exclude each other`,
    }
  );
}
