/** From a configuration file to a snapshot, with the modules that are built. */
import fs from 'node:fs';
import path from 'node:path';
import { type Configured, configure } from '../config/configure.js';
import type { Reader } from '../config/reader.js';
import { knownModules } from '../module/known.js';
import { loadManifests } from './built.js';

/** Files as the language reads them. */
export const diskReader: Reader = {
  read(file) {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
      throw error;
    }
  },
  list(folder) {
    try {
      return fs.readdirSync(folder);
    } catch {
      return undefined;
    }
  },
};

/** Reads and checks a configuration. `number` counts the snapshots of this process; `reader` is another one where the texts are at hand. */
export async function loadConfiguration(file: string, number = 1, reader: Reader = diskReader): Promise<Configured> {
  const searchPath = process.env.EC_CONF_SEARCH_PATH?.split(':');
  return configure(path.resolve(file), reader, {
    manifests: await loadManifests(),
    knownModules: [...knownModules.keys()],
    number,
    ...(searchPath && { searchPath }),
  });
}
