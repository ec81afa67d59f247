/** Options of domains that cannot apply because the domain's mail is queued under the name of its gateway. */
import { core } from './core/index.js';
import { type ConfigProblem, problemAt } from './problem.js';
import type { ScopeNode, Setting } from './settings.js';

/** Read for the recipient's own domain while its mail is taken in; all others are read for the name the mail is queued under. */
const READ_AT_RECEPTION: ReadonlySet<string> = new Set([
  'gateway',
  'blackhole',
  'suspend_delivery',
  'alias_schemes',
  'bounce_behavior',
  'bounce_pattern',
]);

/** One notice for each domain stanza that sets, or stands under, a `gateway`, and sets what then belongs to another name. */
export function* checkGateways(scope: ScopeNode): IterableIterator<ConfigProblem> {
  for (const byName of scope.children.values()) {
    for (const child of byName.values()) {
      if (child.kind === 'domain') yield* checkDomain(child);
      else yield* checkGateways(child);
    }
  }
}

function* checkDomain(domain: ScopeNode): IterableIterator<ConfigProblem> {
  const gateway = gatewayOf(domain);
  if (gateway === '' || isFor(domain, gateway)) return;
  const idle = [...domain.settings.values()].filter(({ name }) => Object.hasOwn(core, name) && !READ_AT_RECEPTION.has(name));
  const [first] = idle;
  if (!first) return;
  const names = idle.map(({ name }) => `"${name}"`);
  const say = `${names.join(', ')} ${names.length === 1 ? 'does' : 'do'} not apply to ${domain.written}: its mail is queued under the name of its gateway, ${gateway}.`;
  const hint = `Did you mean routes = ( "${gateway}" )? Or set ${names.length === 1 ? 'it' : 'them'} in domain "${gateway}".`;
  yield problemAt('CONFLICT', placeOf(first), say, { severity: 'notice', hint, width: first.node.name.raw.length });
}

/** Every name that some scope gives as `gateway`, in lower case: the routing domains of the mail behind them. */
export function listGateways(scope: ScopeNode, found = new Set<string>()): ReadonlySet<string> {
  const setting = scope.settings.get('gateway');
  if (setting) found.add(String(setting.value).toLowerCase());
  for (const byName of scope.children.values()) for (const child of byName.values()) listGateways(child, found);
  return found;
}

/** The gateway of mail for a domain, by what is written in its stanza or around it; '' for none. */
function gatewayOf(scope: ScopeNode): string {
  for (let at: ScopeNode | undefined = scope; at; at = at.parent) {
    const setting = at.settings.get('gateway');
    if (setting) return String(setting.value).toLowerCase();
  }
  return '';
}

const isFor = ({ instance, pattern }: ScopeNode, name: string): boolean => (pattern ? pattern.test(name) : instance === name);

const placeOf = ({ node }: Setting) => node.name.at;
