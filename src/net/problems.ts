/** What can go wrong between us and the operating system's sockets and certificates. */
import { declareProblems } from '../kernel/problems.js';

export const problems = declareProblems('net', {
  PATH_TOO_LONG: {
    text: 'the path of the socket %s has %s bytes, the system allows 107',
    doc: 'The kernel would cut a longer path without a word. Choose a shorter one.',
  },
  NOT_A_SOCKET: {
    text: '%s exists and is not a socket',
    doc: 'A unix socket is asked for where a file or folder lies. It is not removed; move it away or choose another path.',
  },
  IN_USE: {
    text: '%s is in use by another process',
    doc: 'Somebody already listens there. Stop that process or listen elsewhere.',
  },
  CANNOT_BIND: {
    text: 'cannot listen on %s (%s)',
    doc: 'The system refused the socket: the address is not on this host, the port needs privileges, or the folder is not writable.',
  },
  BAD_CERTIFICATE: {
    text: 'cannot use the certificate %s (%s)',
    doc: 'The certificate, its key or the list of authorities could not be read or do not fit together.',
  },
  BAD_TLS_PROTOCOLS: {
    text: '"%s" is no list of TLS protocols',
    doc: 'tls_protocols is a list such as "+ALL:-SSLv3:-TLSv1.0"; it must leave at least one of TLSv1.0 to TLSv1.3.',
  },
});
