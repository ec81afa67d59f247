/** Commands about modules and names: module list, module hooks, dig, and what modules themselves bring. */
import { hooks } from '../../module/hooks.js';
import type { Instance } from '../../module/instance.js';
import type { Row } from '../../module/manifest.js';
import { CommandError, type ConsoleCommand, say } from '../command.js';
import type { Desk } from '../desk.js';
import { formatPairs, formatRecords, formatTable } from '../table.js';

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
      run([wanted]) {
        if (wanted !== undefined && !Object.hasOwn(hooks, wanted)) throw new CommandError(`There is no hook "${wanted}".`);
        const rows = [...desk.hooks()]
          .filter(({ hook }) => wanted === undefined || hook.name === wanted)
          .flatMap(({ hook, placed }) =>
            placed.map((handler, position) => ({
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
            })),
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
        async run(args, signal) {
          const told = await command.run(args, signal);
          if (told === undefined) return say('OK');
          return typeof told === 'string' ? say(told) : { data: told, text: formatRecords(told as readonly Row[]) };
        },
      }),
    ),
  ];
}

const round = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value * 100) / 100);
