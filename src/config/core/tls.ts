/** Core options, area J: encryption, in both directions. */
import { opt } from '../opt.js';
import { G, G_BD, SMTP, TLS_SERVER } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;
const BOTH = [...G_BD, ...TLS_SERVER] as const;

export const tlsOptions = {
  crypto_engine: opt.string({
    doc: 'Name of a hardware engine for cryptography.',
    effect: 'never',
    differs: 'OpenSSL chooses the fastest code of the processor itself; engines are set up in its own openssl.cnf.',
    scopes: G,
  }),
  crypto_lock_method: opt.string({
    doc: 'Kind of lock of the crypto library.',
    default: 'EC_SSL_DEFAULTLOCK',
    reload: 'restart',
    effect: 'never',
    differs: 'TLS runs in the one thread of a worker; it takes no locks that could be chosen.',
    scopes: G,
  }),
  ssl_lock_method: opt.choice(
    'mutex',
    'spinlock',
    'default',
  )({
    doc: 'Kind of lock of the TLS library.',
    default: 'mutex',
    reload: 'restart',
    effect: 'never',
    differs: 'TLS runs in the one thread of a worker; it takes no locks that could be chosen.',
    scopes: G,
  }),
  starttls_injection_policy: opt.choice(
    'reject',
    'ignore',
    'allow',
  )({
    doc: 'Bytes that came in clear behind STARTTLS: drop the connection, or discard them. They are never obeyed: allow is refused.',
    default: 'ignore',
    differs: 'Momentum drops the connection unless told otherwise, and can be told to obey them.',
    check: (value) => (value === 'allow' ? 'Commands that came in clear are never obeyed after STARTTLS.' : undefined),
    ...restricts,
    scopes: SMTP,
  }),
  tls: opt.choice(
    'no',
    'ifavailable',
    'required',
  )({
    doc: 'Encrypt towards the next hop: never, where it is offered, or nothing goes out in clear.',
    default: 'no',
    ...restricts,
    loose: ['no'],
    scopes: G_BD,
  }),
  tls_allow_renegotiation: opt.bool({
    doc: 'Let clients negotiate anew within a connection.',
    default: true,
    ...restricts,
    loose: [true],
    scopes: TLS_SERVER,
  }),
  tls_ca: opt.path({ doc: 'PEM file of the authorities that are trusted when we connect.', ...restricts, scopes: G_BD }),
  tls_certificate: opt.pathOrNone({
    doc: 'PEM file of our certificate, shown to clients and, when we connect, to servers; none = show none.',
    ...restricts,
    loose: ['none'],
    scopes: BOTH,
  }),
  tls_ciphers: opt.string({ doc: 'Ciphers that may be used, as OpenSSL writes them.', ...restricts, scopes: BOTH }),
  tls_client_ca: opt.path({
    doc: 'PEM file of the authorities that may sign certificates of clients.',
    ...restricts,
    scopes: ['global', ...TLS_SERVER],
  }),
  tls_dhparams_file: opt.path({ doc: 'File of Diffie-Hellman parameters.', ...restricts, scopes: G }),
  tls_enable_dhe_ciphers: opt.bool({
    doc: 'Offer ciphers with ephemeral Diffie-Hellman keys.',
    default: true,
    ...restricts,
    loose: [true],
    scopes: G,
  }),
  tls_ifavailable_fallback: opt.bool({
    doc: 'With tls = ifavailable: go on in clear when encryption fails; otherwise the mail is put off.',
    default: true,
    ...restricts,
    loose: [true],
    scopes: G_BD,
  }),
  tls_key: opt.path({ doc: 'PEM file of the key, where it is not in the file of the certificate.', ...restricts, scopes: BOTH }),
  tls_protocols: opt.string({
    doc: 'Versions that may be used: +ALL:-TLSv1.0:-TLSv1.1. Unset: TLS 1.2 and later.',
    differs: 'In Momentum unset means all versions.',
    check: (text) =>
      text.split(':').every((part) => /^[+-](ALL|SSLv2|SSLv3|TLSv1(\.[0-3])?)$/i.test(part))
        ? undefined
        : 'Write versions with + or - before each, separated by colons: +ALL:-TLSv1.0.',
    ...restricts,
    scopes: [...G_BD, 'pathway_group', 'pathway', 'esmtp_listener', 'http_listener', 'ecstream_listener', 'listen', 'peer'],
  }),
  tls_verify: opt.choice(
    'no',
    'ca',
    'host',
  )({
    doc: "Check of the next hop's certificate: none, its signature, or its signature and name.",
    default: 'no',
    ...restricts,
    loose: ['no'],
    scopes: G_BD,
  }),
  use_dane: opt.bool({
    doc: 'Hold hosts to the TLSA records that DNSSEC proves (RFC 7672). Needs a validating name server on this machine, or trust-ad in resolv.conf.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: G_BD,
  }),
  tlsa_expire_interval: opt.seconds({
    doc: 'Longest time TLSA records are believed before they are asked for anew.',
    default: 3600,
    min: 1,
    scopes: G_BD,
  }),
  use_mta_sts: opt.bool({
    doc: 'Hold hosts to the MTA-STS policy of their domain (RFC 8461). DANE goes before it.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: G_BD,
  }),
  enable_mta_sts: opt.bool({
    doc: 'Switch for the cache of MTA-STS policies.',
    default: false,
    effect: 'never',
    differs: 'Here use_mta_sts alone decides.',
    scopes: G_BD,
  }),
  mta_sts_policy_store: opt.path({
    doc: 'Folder of the MTA-STS policies that were fetched; unset = mtasts in the spool folder.',
    reload: 'restart',
    scopes: G,
  }),
  mta_sts_dns_cname_max_depth: opt.int({
    doc: 'CNAMEs followed from a _mta-sts record.',
    default: 5,
    effect: 'never',
    differs: 'The resolver follows 8 of them for every record.',
    scopes: G,
  }),
  tls_verify_mode: opt.choice(
    'none',
    'require',
  )({
    doc: 'After STARTTLS ask clients for a certificate: never, or serve no client without; unset: ask, but do not insist.',
    ...restricts,
    loose: ['none'],
    scopes: TLS_SERVER,
  }),
};
