/** Commands about modules and names: module list, module hooks, dig, and what modules themselves bring. */
import { hooks } from '../../module/hooks.js';
import type { Instance } from '../../module/instance.js';
import type { Command, Row } from '../../module/manifest.js';
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';
import { addRows, joinRows, type Merge, same } from '../merge.js';
import { type Cell, formatPairs, formatRecords, formatTable } from '../table.js';

/** Instances of the core itself are no modules. */
const shown = (desk: Desk): readonly Instance[] =>
  desk.instances().filter((instance) => instance.plan.file !== '' || instance.plan.manifest.autoload === true);

export function moduleCommands(desk: Desk): readonly ConsoleCommand[] {
  return [
    {
      name: 'module list',
      doc: 'The modules that run.',
      run() {
        const data = shown(desk).map(({ plan, name, handlers }) => ({
          Scope_Name: plan.manifest.name,
          Instance_Name: name,
          Enabled: !plan.passive,
          API: [plan.manifest.validates ? 'Validate' : 'Generic', ...(plan.manifest.singleton ? ['Singleton'] : [])].join(', '),
          Hooks: handlers.length,
          Description: plan.manifest.summary,
          Where: `${plan.file}:${plan.line}`,
        }));
        return { data, text: data.map((row) => formatPairs(Object.entries(row))).join('\n\n') };
      },
    },
    {
      name: 'module hooks',
      args: '[hook]',
      doc: 'Who is asked at each hook, in order, with calls and microseconds.',
      merge: joinRows<HookRow>(formatRecords, addHooks),
      run([wanted]) {
        if (wanted !== undefined && !Object.hasOwn(hooks, wanted)) throw new CommandError(`There is no hook "${wanted}".`);
        const rows = [...desk.hooks()]
          .filter(({ hook }) => wanted === undefined || hook.name === wanted)
          .flatMap(({ hook, placed }) =>
            placed.map(
              (handler, position): HookRow => ({
                hook: hook.name,
                kind: hook.kind,
                position: position + 1,
                module: handler.owner,
                instance: handler.instance,
                order: handler.order,
                where: handler.where,
                on_error: hook.kind === 'ask' && handler.onError ? handler.onError.do : 'continue',
                calls: handler.calls,
                errors: handler.errors,
                p50us: round(handler.latency.percentile(0.5)),
                p99us: round(handler.latency.percentile(0.99)),
              }),
            ),
          );
        return { data: rows, text: formatRecords(rows) };
      },
    },
    {
      name: 'dig',
      args: 'DOMAIN',
      doc: 'Look a domain up as delivery does.',
      async run([domain], signal) {
        if (domain === undefined) throw new CommandError('Say which domain.');
        const route = await desk.route(domain.toLowerCase(), signal);
        if (!('hops' in route)) return say(route.problem, route);
        const rows = route.hops.map((hop) => [hop.preference, hop.name, hop.ip, hop.port]);
        return { data: route, text: formatTable(['pref', 'host', 'address', 'port'], rows) };
      },
    },
    {
      name: 'refresh domain',
      args: 'DOMAIN|all',
      doc: 'Forget what was looked up, so that it is looked up again.',
      writes: true,
      merge: same,
      run([domain]) {
        if (domain === undefined) throw new CommandError('Say which domain, or "all".');
        desk.forgetRoutes(domain === 'all' ? undefined : domain.toLowerCase());
        return say(`${domain} refreshed.`, { domain });
      },
    },
    ...[...desk.moduleCommands()].map(
      ([name, { command }]): ConsoleCommand => ({
        name,
        doc: command.doc,
        ...(command.args !== undefined && { args: command.args }),
        ...(command.writes !== undefined && { writes: command.writes }),
        ...mergeOf(command),
        async run(args, signal) {
          const told = await command.run(args, signal);
          if (told === undefined) return say('OK');
          return typeof told === 'string' ? say(told) : { data: told, text: formatRecords(told as readonly Row[]) };
        },
      }),
    ),
  ];
}

interface HookRow extends Record<string, Cell> {
  readonly hook: string;
  readonly position: number;
  readonly calls: number;
  readonly errors: number;
  readonly p50us: number | null;
  readonly p99us: number | null;
}

/** One row a handler: its calls over all workers, and the time of the slowest. */
function addHooks(rows: readonly HookRow[]): readonly HookRow[] {
  const sums = new Map<string, HookRow>();
  for (const row of rows) {
    const key = `${row.hook} ${row.position}`;
    const known = sums.get(key);
    sums.set(
      key,
      known
        ? {
            ...known,
            calls: known.calls + row.calls,
            errors: known.errors + row.errors,
            p50us: slower(known.p50us, row.p50us),
            p99us: slower(known.p99us, row.p99us),
          }
        : row,
    );
  }
  return [...sums.values()];
}

const slower = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.max(a, b));

/** As the module declares it; rows of all workers when it does not. Words are the same everywhere. */
function mergeOf({ merge = 'rows' }: Command): { readonly merge?: Merge } {
  if (merge === 'one') return {};
  return {
    merge: {
      join(told, args) {
        const [first] = told;
        if (!first || !Array.isArray(first.data)) return same.join(told, args);
        if (merge === 'rows') return joinRows<Row>(formatRecords).join(told, args);
        const words = Object.entries((first.data as readonly Row[])[0] ?? {}).filter(([, value]) => typeof value !== 'number');
        return addRows<Row>(
          words.map(([word]) => word),
          formatRecords,
        ).join(told, args);
      },
    },
  };
}

const round = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value * 100) / 100);
