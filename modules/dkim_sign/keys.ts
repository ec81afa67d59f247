/** Private keys: read from PEM, fitting the algorithm, not too weak. */
import { createPrivateKey, type KeyObject } from 'node:crypto';

export const DIGESTS = ['rsa-sha256', 'rsa-sha1', 'ed25519-sha256'] as const;
export type DigestName = (typeof DIGESTS)[number];

/** RFC 8301 3.2: signers use at least this. */
const LEAST_RSA_BITS = 1024;

export class KeyError extends Error {}

/** The key of a PEM text. Throws KeyError with a sentence that names the file and holds nothing of the key. */
export function readKey(pem: Buffer, digest: DigestName, file: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new KeyError(`${file} holds no private key in PEM without a passphrase`, { cause });
  }
  const wanted = digest === 'ed25519-sha256' ? 'ed25519' : 'rsa';
  if (key.asymmetricKeyType !== wanted) {
    throw new KeyError(`${file} holds a key of type ${key.asymmetricKeyType ?? 'unknown'}, but ${digest} needs ${wanted}`);
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < LEAST_RSA_BITS)
    throw new KeyError(`${file} holds an RSA key of ${bits} bits; at least ${LEAST_RSA_BITS} are needed`);
  return key;
}
