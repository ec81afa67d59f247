/** Reads the octets of BDAT chunks (RFC 3030): no end mark, no stuffed dots; the same facts as for DATA. */
import { DataScan } from './data-scan.js';

/** `push` every octet of every chunk, then `finish()` after the last one. */
export class ChunkScan extends DataScan {
  constructor(form: 'chunks' | 'octets' = 'chunks') {
    super(form);
  }
}
