/** Copies into the spool: onto the medium, or into memory where a module gave leave to lose them. */
import type { Copy } from '../module/copy.js';
import type { Spool } from '../module/spool.js';

/** Resolves when the reception may be acknowledged; rejects when the spool cannot take it. */
export async function keepCopies(spool: Spool, copies: readonly Copy[]): Promise<void> {
  if (copies.length === 0) return;
  if (copies[0]?.unspooled !== undefined && (await spool.hold?.(copies))) return;
  await spool.write(copies);
}
