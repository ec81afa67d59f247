/** An IPv4 client of an IPv6 socket is an IPv4 client; who comes by a unix socket has no address. */

/** The address of one end of a connection, as the rest of the house writes it. */
export const plainIp = (ip: string | undefined): string => (ip?.startsWith('::ffff:') ? ip.slice(7) : (ip ?? ''));
