/** CRC-32 (IEEE 802.3), by zlib where node has it, else by a table. */
import zlib from 'node:zlib';

const TABLE = new Int32Array(256).map((_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** Checksum of `bytes` going on from `seed`. */
export function crc32ByTable(bytes: Uint8Array, seed = 0): number {
  let c = ~seed;
  for (let i = 0; i < bytes.length; i++) c = (TABLE[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
  return ~c >>> 0;
}

const native = (zlib as { crc32?: (bytes: Uint8Array, seed?: number) => number }).crc32;

/** Checksum of `bytes`, going on from `seed` when several buffers are one. */
export const crc32: (bytes: Uint8Array, seed?: number) => number = native ?? crc32ByTable;
