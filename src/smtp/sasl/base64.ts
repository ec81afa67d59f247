/** Base64 as AUTH wants it (RFC 4954 4): strict, since what is decoded leniently can be written in two ways. */

const STRICT = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The octets; undefined when the text is not exactly base64. */
export const decodeBase64 = (text: string): Buffer | undefined => (STRICT.test(text) ? Buffer.from(text, 'base64') : undefined);
