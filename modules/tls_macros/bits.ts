/** Key lengths of ciphers by the names OpenSSL gives them: Node tells a cipher's name and nothing more. Pure. */

export interface Bits {
  /** Of the key the algorithm works with. */
  readonly algorithm: number;
  /** Of the key that are secret. */
  readonly secret: number;
}

const same = (bits: number): Bits => ({ algorithm: bits, secret: bits });

/** First match counts. Of the 168 bits of triple DES 112 are of use. */
const TABLE: readonly (readonly [RegExp, Bits])[] = [
  [/(?:AES|ARIA|CAMELLIA)[_-]?256/, same(256)],
  [/(?:AES|ARIA|CAMELLIA)[_-]?128/, same(128)],
  [/CHACHA20|GOST|MAGMA|KUZNYECHIK/, same(256)],
  [/DES-CBC3|3DES/, { algorithm: 168, secret: 112 }],
  [/DES-CBC/, same(56)],
  [/SEED|RC4|IDEA|SM4/, same(128)],
];

/** Zero for a cipher that does not encrypt, or that nobody here knows. */
export const readBits = (cipher: string): Bits => TABLE.find(([pattern]) => pattern.test(cipher))?.[1] ?? same(0);
