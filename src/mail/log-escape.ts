/** Makes any text fit for one line of a log or a terminal, and keeps what it said: control characters become `\xNN`. */

const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Escapes control characters, line separators of Unicode and marks that turn the direction of a line. Backslashes stay as they are. */
export const escapeControls = (text: string): string =>
  text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
