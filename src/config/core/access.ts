/** Core options, area D: who may relay, who must authenticate, who may do what. */
import { opt } from '../opt.js';
import { G_PW, G_SMTP, SMTP } from '../scopes.js';

const restricts = { effect: 'restricts' } as const;
const AUTH = ['pathway_group', 'pathway', 'esmtp_listener', 'http_listener', 'control_listener', 'listen', 'peer'] as const;
const PASSWORDS = ['pathway_group', 'pathway', 'esmtp_listener', 'control_listener', 'listen'] as const;

export const accessOptions = {
  always_allow: opt.bool({
    doc: 'Take every authentication as successful, unless always_deny is set.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: AUTH,
  }),
  always_deny: opt.bool({ doc: 'Take every authentication as failed.', default: false, ...restricts, loose: [false], scopes: AUTH }),
  authcrammd5parameters: opt.map({
    doc: 'Where CRAM-MD5 finds the (clear text) secrets: uri, realm, log_authentication.',
    ...restricts,
    scopes: PASSWORDS,
  }),
  authdigestmd5parameters: opt.map({
    doc: 'Where DIGEST-MD5 and HTTP digest find the secrets: uri, realm, stored_cleartext, log_authentication.',
    ...restricts,
    scopes: ['pathway_group', 'pathway', 'esmtp_listener', 'http_listener', 'control_listener', 'xmpp_listener', 'listen', 'peer'],
  }),
  authloginparameters: opt.map({
    doc: 'Where AUTH LOGIN checks passwords: uri, realm, log_authentication.',
    ...restricts,
    scopes: PASSWORDS,
  }),
  authorizationparameters: opt.map({
    doc: 'Where the roles of a user come from: uri = groups:///file or a datasource.',
    ...restricts,
    scopes: ['esmtp_listener', 'control_listener', 'listen'],
  }),
  authplainparameters: opt.map({
    doc: 'Where AUTH PLAIN checks passwords: uri, log_authentication.',
    ...restricts,
    scopes: ['pathway_group', 'pathway', 'esmtp_listener', 'http_listener', 'xmpp_listener', 'listen'],
  }),
  enable_authentication: opt.bool({ doc: 'Serve only clients that have authenticated.', ...restricts, loose: [false], scopes: AUTH }),
  enable_authorization: opt.bool({
    doc: 'Let a user run only the console commands its roles allow.',
    ...restricts,
    loose: [false],
    scopes: ['control_listener', 'listen', 'peer'],
  }),
  open_relay: opt.bool({ doc: 'Everybody here may send to everywhere.', default: false, ...restricts, loose: [false], scopes: SMTP }),
  relay_domains: opt.globs({ doc: 'Domains whose mail is accepted from anybody; a star only at the left.', ...restricts, scopes: G_PW }),
  relay_for_sending_domains: opt.globs({
    doc: 'Clients here may relay when the sender is in one of these domains.',
    ...restricts,
    scopes: SMTP,
  }),
  relay_hosts: opt.cidrs({
    doc: 'Networks whose clients may relay to everywhere without authenticating. The most specific scope replaces the others.',
    ...restricts,
    scopes: G_SMTP,
  }),
  tls_verified_peer_can_relay: opt.bool({
    doc: 'A client with a certificate that was verified may relay.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: ['pathway_group', 'pathway', 'esmtp_listener', 'ecstream_listener', 'listen', 'peer'],
  }),
  tls_verified_peer_is_authorized: opt.bool({
    doc: 'A client with a certificate that was verified counts as authenticated: enable_authentication asks it for no login.',
    differs: 'In Momentum this is for HTTP only.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: ['pathway', 'http_listener', 'listen', 'peer'],
  }),
  use_ssl: opt.bool({
    doc: 'TLS from the first byte, as on port 465; STARTTLS is then not offered.',
    default: false,
    ...restricts,
    loose: [false],
    scopes: ['pathway_group', 'pathway', 'esmtp_listener', 'http_listener', 'ecstream_listener', 'listen', 'peer'],
  }),
};
