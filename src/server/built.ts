/** The modules that are here: every folder of modules/ with an index. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Manifest } from '../module/manifest.js';

/** modules/ stands beside src/, in the sources as in what is built. */
const FOLDER = fileURLToPath(new URL('../../modules/', import.meta.url));

const isManifest = (x: unknown): x is Manifest =>
  typeof x === 'object' && x !== null && typeof (x as Manifest).name === 'string' && typeof (x as Manifest).register === 'function';

let loaded: Promise<readonly Manifest[]> | undefined;

/** Manifests of all built modules, by name. Read once. */
export function loadManifests(): Promise<readonly Manifest[]> {
  loaded ??= readManifests();
  return loaded;
}

async function readManifests(): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for (const name of fs.readdirSync(FOLDER).sort()) {
    const index = ['index.js', 'index.ts'].map((file) => path.join(FOLDER, name, file)).find((file) => fs.existsSync(file));
    if (!index) continue;
    const { default: manifest }: { default?: unknown } = await import(pathToFileURL(index).href);
    if (!isManifest(manifest) || manifest.name !== name) throw new TypeError(`modules/${name} does not export its module`);
    manifests.push(manifest);
  }
  return manifests;
}
