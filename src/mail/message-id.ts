/** Message-ID values of our own (RFC 5322 3.6.4), from an id that is unique in this house. */

/** `<26.B0-00001-A1B2C3D4@host>`: the slash of our ids may not stand there bare. */
export const formatMessageId = (id: string, host: string): string => `<${id.replaceAll('/', '.')}@${host}>`;
