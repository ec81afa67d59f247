/** Spells a text so that reading gives it back. */

const BARE = /^(?!.*\/\*)[A-Za-z0-9_.:,@%+*/~$!?;<>|&^\\-]+$/;

/** Bare when every character allows it, else in quotes. */
export function quote(text: string): string {
  return BARE.test(text) ? text : quoteAlways(text);
}

/** In double quotes where they can hold it. Between slashes nothing is decoded, so a regex is spelled as it is. */
export function quoteAlways(text: string): string {
  if (text.length >= 2 && text.startsWith('/') && text.endsWith('/')) {
    if (!/["']/.test(text)) return /\\$/.test(text.slice(0, -1)) ? `'${text}'` : `"${text}"`;
    return text.includes("'") ? `"${text.replace(/(?<!\\)"/g, '\\"')}"` : `'${text}'`;
  }
  const escaped = text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t');
  return `"${escaped}"`;
}
