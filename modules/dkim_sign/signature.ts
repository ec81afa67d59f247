/** Makes one DKIM-Signature (RFC 6376, RFC 8463) over a header block and the hash of a body. */
import { createHash, type KeyObject, sign } from 'node:crypto';
import type { BodyDigest } from './body-hash.js';
import { type Canon, canonField, relaxField } from './canon.js';
import { type Mention, selectFields } from './headerlist.js';
import type { DigestName } from './keys.js';
import { encodeQuoted, foldBase64, foldNames, formatCopies } from './tags.js';

export interface Recipe {
  /** d=, an A-label. */
  readonly domain: string;
  readonly selector: string;
  readonly digest: DigestName;
  readonly headerCanon: Canon;
  readonly bodyCanon: Canon;
  readonly headers: readonly Mention[];
  /** i= */
  readonly identity: string | undefined;
  /** Seconds a signature is valid; undefined means for ever. */
  readonly lifetimeSeconds: number | undefined;
  /** Whether l= is given; the digest then covers that many octets. */
  readonly limitsBody: boolean;
  /** Whether z= is given. */
  readonly copiesHeaders: boolean;
}

/** A field of the header block as it stands, CRLF and folds included. */
export interface RawField {
  /** Lower case. */
  readonly name: string;
  readonly raw: Uint8Array;
}

const NAME = 'DKIM-Signature';

/** The value of a DKIM-Signature, folded. `nowSeconds` is t=. The RSA work is done in libuv's pool. */
export async function formSignature(
  recipe: Recipe,
  key: KeyObject,
  block: readonly RawField[],
  body: BodyDigest,
  nowSeconds: number,
): Promise<string> {
  const { names, fields } = selectFields(recipe.headers, block);
  const raws = fields.map(({ raw }) => Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1'));
  const value = formUnsigned(recipe, names, raws, body, nowSeconds);
  const own = `${NAME}: ${value}`;
  let input = '';
  for (const raw of raws) input += canonField(raw, recipe.headerCanon);
  // The signature's own field comes last, with an empty b= and without a line end (RFC 6376 3.7).
  input += recipe.headerCanon === 'simple' ? own : relaxField(own);
  return value + foldBase64(await signOctets(Buffer.from(input, 'latin1'), recipe.digest, key));
}

/** Everything up to and with `b=`. */
function formUnsigned(recipe: Recipe, names: readonly string[], raws: readonly string[], body: BodyDigest, now: number): string {
  const { domain, selector, digest, headerCanon, bodyCanon, identity, lifetimeSeconds } = recipe;
  let value = `v=1; a=${digest}; c=${headerCanon}/${bodyCanon}; d=${domain}; s=${selector};\r\n\tt=${now};`;
  if (lifetimeSeconds !== undefined) value += ` x=${now + lifetimeSeconds};`;
  if (recipe.limitsBody) value += ` l=${body.octets};`;
  if (identity !== undefined) value += `\r\n\ti=${encodeQuoted(Buffer.from(identity, 'utf8').toString('latin1'))};`;
  value += `\r\n\th=${foldNames(names, 10)};`;
  if (recipe.copiesHeaders) value += `\r\n\tz=${formatCopies(raws)};`;
  return `${value}\r\n\tbh=${body.hash};\r\n\tb=`;
}

function signOctets(input: Buffer, digest: DigestName, key: KeyObject): Promise<string> {
  if (digest === 'ed25519-sha256') {
    // RFC 8463 3: the hash is what is signed. It takes less time than the way to the pool and back.
    return Promise.resolve(sign(null, createHash('sha256').update(input).digest(), key).toString('base64'));
  }
  return new Promise((done, fail) => {
    sign(digest === 'rsa-sha1' ? 'sha1' : 'sha256', input, key, (error, signature) => {
      if (error) fail(error);
      else done(signature.toString('base64'));
    });
  });
}
