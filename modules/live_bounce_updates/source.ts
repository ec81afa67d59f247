/** Reads the files of a bundle from a folder or over HTTPS, never more than allowed. */
import fs from 'node:fs/promises';
import { BundleError } from './bundle.js';

export interface Source {
  /** Bytes of a file of the bundle, at most `largest`. */
  read(name: string, largest: number, signal: AbortSignal): Promise<Buffer>;
}

/** One request may take this long. */
const REQUEST_MS = 60_000;

/** A source for an https:// or file:// URL of a folder; undefined when it is neither. */
export function openSource(text: string): Source | undefined {
  if (!URL.canParse(text)) return undefined;
  const folder = new URL(text.endsWith('/') ? text : `${text}/`);
  if (folder.protocol === 'file:') return { read: (name, largest) => readLocal(new URL(name, folder), largest) };
  if (folder.protocol === 'https:') return { read: (name, largest, signal) => readRemote(new URL(name, folder), largest, signal) };
  return undefined;
}

async function readLocal(file: URL, largest: number): Promise<Buffer> {
  const handle = await fs.open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size > largest) throw new BundleError(`${file.pathname} is larger than ${largest} octets`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function readRemote(url: URL, largest: number, signal: AbortSignal): Promise<Buffer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
  const response = await fetch(url, { signal: limit, redirect: 'error' });
  if (!response.ok || !response.body) throw new BundleError(`${url.href} answers ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > largest) throw new BundleError(`${url.href} is larger than ${largest} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
