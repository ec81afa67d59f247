/** Name and version of this daemon. */
import fs from 'node:fs';

/** Product token in banner, Received and version. */
export const PRODUCT = 'Celeris';

/** Looks upwards for our package.json: the distance differs between src and dist. */
function readVersion(): string {
  for (const up of ['../../', '../../../']) {
    const file = new URL(`${up}package.json`, import.meta.url);
    if (!fs.existsSync(file)) continue;
    const about: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    const { name, version } = about as { name?: unknown; version?: unknown };
    if (name === 'celeris' && typeof version === 'string') return version;
  }
  return '0.0.0';
}

export const VERSION = readVersion();
