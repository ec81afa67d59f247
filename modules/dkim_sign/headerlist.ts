/** The option `headerlist`: which fields are signed, how many of each, and whether later copies break the signature. */

export interface Mention {
  /** As it will stand in h=. */
  readonly name: string;
  /** Lower case. */
  readonly key: string;
  /** All copies that are left, not just the next one. */
  readonly all: boolean;
  /** Named in h= even when there is no copy left, so that a field added on the way breaks the signature. */
  readonly oversign: boolean;
}

const ENTRY = /^([^\0-\x20:;?*+\x7f-\uffff]+)([?*+]?)$/;

/** Reads `From:To?:Received*`. Answers a sentence when it is none. */
export function parseHeaderList(text: string): readonly Mention[] | string {
  const mentions: Mention[] = [];
  for (const part of text.split(':')) {
    const entry = part.trim();
    if (entry === '') continue;
    const found = ENTRY.exec(entry);
    if (!found?.[1]) return `"${entry}" in headerlist is no header name`;
    const mark = found[2];
    mentions.push({
      name: found[1],
      key: found[1].toLowerCase(),
      all: mark === '*' || mark === '+',
      oversign: mark === '' || mark === '*',
    });
  }
  if (mentions.length === 0) return 'headerlist names no header';
  if (!mentions.some(({ key }) => key === 'from')) return 'headerlist must name From (RFC 6376 5.4)';
  return mentions;
}

/** What to sign: the names of h= in order, and the field behind each; a name without a field stands for one that is not there. */
export interface Selection<F> {
  readonly names: readonly string[];
  readonly fields: readonly F[];
}

/** Chooses fields from the bottom up, each at most once; every mention takes the next copy (RFC 6376 5.4.2). */
export function selectFields<F extends { readonly name: string }>(mentions: readonly Mention[], block: readonly F[]): Selection<F> {
  const left = new Map<string, F[]>();
  for (const { key } of mentions) left.set(key, []);
  // Top first, so that pop() gives the lowest.
  for (const field of block) left.get(field.name)?.push(field);
  const names: string[] = [];
  const fields: F[] = [];
  const seen = new Set<string>();
  for (const { name, key, all, oversign } of mentions) {
    const copies = left.get(key) ?? [];
    let taken = 0;
    for (let field = copies.pop(); field !== undefined; field = all ? copies.pop() : undefined) {
      names.push(name);
      fields.push(field);
      taken++;
    }
    // `*` names the missing field only when there was never one.
    if (taken === 0 && oversign && !(all && seen.has(key))) names.push(name);
    seen.add(key);
  }
  return { names, fields };
}
