/** A signed bundle: a manifest that names files with their hashes, and an Ed25519 signature over its bytes. Pure. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

export interface BundleFile {
  readonly name: string;
  /** Small hex. */
  readonly sha256: string;
  readonly size: number;
}

export interface BundleManifest {
  readonly version: number;
  readonly files: readonly BundleFile[];
}

/** Why a bundle is not used; the words go to the operator. */
export class BundleError extends Error {}

export const MANIFEST = 'manifest.json';
export const SIGNATURE = 'manifest.json.sig';
/** The rule pack of the core. */
export const PACK = 'bounce-rules.yaml';
/** What bounce_classifier_override reads as its system files. */
export const OVERRIDES = ['smtp_classification.ovr', 'mdn_classification.ovr'] as const;

/** Octets of a manifest, of a signature, and of one file. */
export const LARGEST = { manifest: 65_536, signature: 4096, file: 4 << 20 } as const;

const NAMES: ReadonlySet<string> = new Set([PACK, ...OVERRIDES]);

/** Reads a public key: PEM, or the base64 of its DER form. Throws BundleError when it is no Ed25519 key. */
export function readPublicKey(text: string): KeyObject {
  try {
    const key = text.includes('BEGIN')
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text.trim(), 'base64'), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new BundleError('public_key is no Ed25519 public key');
}

/** The signature as 64 octets or their base64. */
const readSignature = (bytes: Buffer): Buffer => (bytes.length === 64 ? bytes : Buffer.from(bytes.toString('latin1').trim(), 'base64'));

/** The manifest, when its signature is good. */
export function openManifest(bytes: Buffer, signature: Buffer, key: KeyObject): BundleManifest {
  if (!verify(null, bytes, key, readSignature(signature))) throw new BundleError(`the signature of ${MANIFEST} is bad`);
  const manifest = parseManifest(bytes.toString('utf8'));
  if (!manifest) throw new BundleError(`${MANIFEST} is not what a manifest has to be`);
  return manifest;
}

function parseManifest(text: string): BundleManifest | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const { version, files } = read as Partial<Record<string, unknown>>;
  if (!Number.isSafeInteger(version) || Number(version) < 1 || !Array.isArray(files) || files.length === 0) return undefined;
  const checked = files.map(readFile);
  const names = new Set(checked.map((file) => file?.name));
  if (checked.includes(undefined) || names.size !== checked.length) return undefined;
  return { version: Number(version), files: checked.filter((file) => file !== undefined) };
}

function readFile(file: unknown): BundleFile | undefined {
  if (typeof file !== 'object' || file === null) return undefined;
  const { name, sha256, size } = file as Partial<Record<string, unknown>>;
  if (typeof name !== 'string' || !NAMES.has(name)) return undefined;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  return Number.isSafeInteger(size) && Number(size) >= 0 && Number(size) <= LARGEST.file ? { name, sha256, size: Number(size) } : undefined;
}

/** Throws when the bytes are not those the manifest names. */
export function checkFile(file: BundleFile, bytes: Buffer): void {
  if (bytes.length !== file.size) throw new BundleError(`${file.name} has ${bytes.length} octets, not ${file.size}`);
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256)
    throw new BundleError(`${file.name} has another hash than the manifest says`);
}
