/** The first character set a header block names that nobody knows: of its encoded words and of its Content-Type. */
import type { Headers } from '#module';
import { findWay } from './labels.js';

const LABELS = /=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?[bq]\?/gi;
const PARAMETER = /;\s*charset\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i;
/** So many words are looked at: a block is as long as its sender likes. */
const MOST_WORDS = 1000;

/** Undefined when all are known. */
export function findUnknown(headers: Headers): string | undefined {
  const block = headers.bytes();
  if (block.includes('=?')) {
    let seen = 0;
    for (const [, label = ''] of block.toString('latin1').matchAll(LABELS)) {
      if (++seen > MOST_WORDS) break;
      const charset = label.toLowerCase();
      if (!findWay(charset)) return printable(charset);
    }
  }
  const found = PARAMETER.exec(headers.get('Content-Type') ?? '');
  const charset = (found?.[1] ?? found?.[2] ?? '').trim().toLowerCase();
  return charset === '' || findWay(charset) ? undefined : printable(charset);
}

const printable = (label: string): string => label.replace(/[^ -~]/g, '?').slice(0, 60);
