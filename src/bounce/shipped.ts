/** The pack that comes with Celeris: config/bounce-rules.yaml, beside the sources and beside what is built from them. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Pack, parsePack, problems } from './pack.js';

const PLACES = ['../../config/bounce-rules.yaml', '../../../config/bounce-rules.yaml'].map((place) =>
  fileURLToPath(new URL(place, import.meta.url)),
);

let loaded: Pack | undefined;

/** Reads it, once. Throws BAD_PACK when it is not there or cannot be used. */
export function loadShippedPack(): Pack {
  loaded ??= parsePack(readFirst());
  return loaded;
}

function readFirst(): string {
  const file = PLACES.find((place) => fs.existsSync(place));
  if (file === undefined) throw problems.BAD_PACK('config/bounce-rules.yaml is not there');
  return fs.readFileSync(file, 'utf8');
}
