/** Surrogates without their other half: no character, and no octets in any encoding. */

const HALF = /\p{Cs}/gu;

/** The text with U+FFFD in place of each. */
export const mendHalves = (text: string): string => text.replace(HALF, '\ufffd');
