/** Splits a command line into words: blanks part them, quotes join them, a backslash inside double quotes keeps the next character. */

/** The words, or undefined when a quote is not closed. */
export function splitWords(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (c === '"' || c === "'") {
      const quoted = readQuoted(line, i);
      if (!quoted) return undefined;
      word = (word ?? '') + quoted.text;
      i = quoted.end;
    } else if (c === ' ' || c === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function readQuoted(line: string, start: number): { text: string; end: number } | undefined {
  const quote = line.charAt(start);
  let text = '';
  for (let i = start + 1; i < line.length; i++) {
    const c = line.charAt(i);
    if (c === quote) return { text, end: i };
    if (c === '\\' && quote === '"' && i + 1 < line.length) text += line.charAt(++i);
    else text += c;
  }
  return undefined;
}

/** One line that splits into exactly these words. */
export const joinWords = (words: readonly string[]): string => words.map((word) => `"${word.replace(/["\\]/g, '\\$&')}"`).join(' ');
