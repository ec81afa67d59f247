/** static_routes: all mail goes to an address and port of the stanza, each domain over connections of its own. */
import { defineModule, opt, type RankedHop } from '#module';
import { makeRotation, matches } from './choice.js';
import { parseTarget, type Target } from './target.js';

interface Own {
  readonly target?: string | undefined;
  readonly targets: Readonly<Record<string, string>>;
  readonly bindings: Readonly<Record<string, string>>;
}

interface Complaint {
  readonly option: 'target' | 'targets' | 'bindings';
  readonly say: string;
}

/** A target of mail, with its share among the others. */
interface Share extends Target {
  readonly weight: number;
}

export default defineModule({
  name: 'static_routes',
  summary: 'Route traffic to a given server by address and port.',
  options: {
    target: opt.string({ doc: 'Address and port of the next hop; unset leaves routing as it is.' }),
    targets: opt.map({
      doc: 'Several next hops with their weights, in place of target: each leads as often as its weight, the others stand in for it.',
      default: {},
    }),
    bindings: opt.map({ doc: 'Next hops of bindings, by name of the binding; they go before target and targets.', default: {} }),
    domains: opt.strings({ doc: 'The only domains that are routed; "*.example.com" means those below it. Empty = all.', default: [] }),
    except: opt.strings({ doc: 'Domains that are not routed, written as for domains.', default: [] }),
  },
  check: (own) => [...readShares(own).complaints],

  register(ctx) {
    const { domains, except } = ctx.options;
    const { shares, ofBindings, complaints } = readShares(ctx.options);
    const [complaint] = complaints;
    if (complaint) return complaint;
    if (shares.length === 0 && ofBindings.size === 0) return undefined;
    const lower = (names: readonly string[]): ReadonlySet<string> => new Set(names.map((name) => name.toLowerCase()));
    const only = lower(domains);
    const never = lower(except);
    const lead = makeRotation(shares.map(({ weight }) => weight));
    // The host name is the routing domain: TLS is checked against it, and connections are not shared between domains.
    // Domains that begin with # stand for ways out that are not SMTP.
    ctx.on('routes', ({ binding, domain }): readonly RankedHop[] | undefined => {
      if (domain.startsWith('#') || matches(never, domain) || (only.size > 0 && !matches(only, domain))) return undefined;
      const own = ofBindings.get(binding);
      if (own) return [{ ...own, name: domain, preference: 0, vouched: true }];
      if (shares.length === 0) return undefined;
      const leader = lead();
      return shares.map(({ ip, port }, n) => ({ ip, port, name: domain, preference: n === leader ? 0 : 1, vouched: true }));
    });
    return undefined;
  },
});

function readShares({ target, targets, bindings }: Own): {
  readonly shares: readonly Share[];
  readonly ofBindings: ReadonlyMap<string, Target>;
  readonly complaints: readonly Complaint[];
} {
  const complaints: Complaint[] = [];
  const read = (option: Complaint['option'], text: string): Target | undefined => {
    const parsed = parseTarget(text);
    if (typeof parsed !== 'string') return parsed;
    complaints.push({ option, say: parsed });
    return undefined;
  };
  const shares: Share[] = [];
  const single = target === undefined ? undefined : read('target', target);
  if (single) shares.push({ ...single, weight: 1 });
  for (const [text, share] of Object.entries(targets)) {
    const parsed = read('targets', text);
    const weight = Number(share);
    if (!Number.isInteger(weight) || weight < 1 || weight > 1000)
      complaints.push({ option: 'targets', say: `the weight of "${text}" is a whole number from 1 to 1000, not "${share}"` });
    else if (parsed) shares.push({ ...parsed, weight });
  }
  if (target !== undefined && Object.keys(targets).length > 0)
    complaints.push({ option: 'targets', say: 'target and targets exclude each other: write the one target into targets' });
  const ofBindings = new Map<string, Target>();
  for (const [binding, text] of Object.entries(bindings)) {
    const parsed = read('bindings', text);
    if (parsed) ofBindings.set(binding, parsed);
  }
  return { shares, ofBindings, complaints };
}
