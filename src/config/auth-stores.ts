/** Where log-ins are checked by a module: it has to be there, and it shows no secrets to mechanisms that never get one. */
import type { ModuleManifest } from './manifest.js';
import { type ConfigProblem, problemAt } from './problem.js';
import type { ScopeNode, Setting } from './settings.js';

/** Options of mechanisms where the client shows its password or token; only that can be handed to a module. */
const SHOWN: ReadonlySet<string> = new Set(['authplainparameters', 'authloginparameters', 'authoauthparameters']);
/** Options of mechanisms where the client only proves that it knows the secret. */
const PROVEN: ReadonlyMap<string, string> = new Map([
  ['authcrammd5parameters', 'CRAM-MD5'],
  ['authdigestmd5parameters', 'DIGEST-MD5'],
  ['authscramparameters', 'SCRAM-SHA-256'],
]);

/** Errors of a scope and those within it. `loaded`: names of the modules that have a stanza. */
export function* checkAuthStores(
  scope: ScopeNode,
  manifests: readonly ModuleManifest[],
  loaded: ReadonlySet<string>,
): IterableIterator<ConfigProblem> {
  for (const setting of scope.settings.values()) {
    if (!SHOWN.has(setting.name) && !PROVEN.has(setting.name)) continue;
    const scheme = schemeOf(setting);
    const module = manifests.find(({ offers }) => scheme !== undefined && offers?.auth?.includes(scheme));
    if (!module) continue;
    const mechanism = PROVEN.get(setting.name);
    if (mechanism !== undefined)
      yield refuse(
        setting,
        `${mechanism} never shows the password, so "${scheme}://" cannot check it.`,
        'Use authplainparameters and authloginparameters.',
      );
    else if (!loaded.has(module.name))
      yield refuse(setting, `"${scheme}://" is checked by module ${module.name}, which has no stanza.`, `Write ${module.name} { … }.`);
  }
  for (const byName of scope.children.values()) for (const child of byName.values()) yield* checkAuthStores(child, manifests, loaded);
}

function schemeOf({ value }: Setting): string | undefined {
  const { uri } = value as { readonly uri?: string };
  return /^([a-z][a-z0-9+._-]*):\/\//i.exec(uri ?? '')?.[1]?.toLowerCase();
}

const refuse = ({ node }: Setting, say: string, hint: string): ConfigProblem =>
  problemAt('CONFLICT', node.name.at, say, { severity: 'error', hint, width: node.name.raw.length });
