/** The option `namespace`: where names of macros are looked for. */
import type { MacroSource, Service } from '#module';
import { NAMES, NAMESPACE, Running } from '../tls_macros/api.js';
import { type Fault, type Namespaces, OWN_NAMESPACE } from './format.js';

const nothing = (names: readonly string[]): MacroSource => ({ names, fill: () => undefined });

/** Those that need no module beside this one. Sieve has no macros in this build. */
const HERE: ReadonlyMap<string, MacroSource> = new Map([
  [OWN_NAMESPACE, nothing([])],
  ['sieve', nothing([])],
]);

/** Those of other modules: for `check`, which sees no module run. */
const ELSEWHERE: ReadonlyMap<string, { readonly running: Service<true>; readonly names: readonly string[] }> = new Map([
  [NAMESPACE, { running: Running, names: NAMES }],
]);

/** Reads the list. `find` knows the namespaces of modules that run; without it those that could run count. */
export function readNamespaces(list: string, find?: (namespace: string) => MacroSource | undefined): Namespaces | Fault {
  const namespaces = new Map<string, MacroSource>();
  for (const name of list.split(',').map((each) => each.trim())) {
    const elsewhere = ELSEWHERE.get(name);
    const source = HERE.get(name) ?? (find ? find(name) : elsewhere && nothing(elsewhere.names));
    if (!source) {
      const known = [...HERE.keys(), ...ELSEWHERE.keys()].join(', ');
      return elsewhere
        ? { say: `the namespace ${name} comes with the module ${elsewhere.running.module}, which has no stanza` }
        : { say: `there is no namespace "${name}"; there are ${known}` };
    }
    namespaces.set(name, source);
  }
  return namespaces;
}

/** What has to run for these namespaces. */
export const listNeeds = (namespaces: Namespaces): readonly Service<true>[] =>
  [...namespaces.keys()].flatMap((name) => ELSEWHERE.get(name)?.running ?? []);
