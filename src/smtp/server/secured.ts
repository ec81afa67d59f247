/** How a session comes under TLS: STARTTLS (RFC 3207) or from the first byte, and what is told of it. */
import type { SecureContext, TLSSocket } from 'node:tls';
import { Authentication } from './auth.js';
import { PHASE } from './states.js';
import { describeTls } from './tls-facts.js';
import * as words from './words.js';

const HANDSHAKE_MS = 30_000;
/** Each costs the server more than the client. */
const MOST_RENEGOTIATIONS = 3;
const STARTTLS_ONLY = /^STARTTLS *$/i;

export abstract class Secured<Own> extends Authentication<Own> {
  /** What is left of the chunk came in clear behind STARTTLS. */
  protected dropRest = false;

  protected startTls(line: string) {
    if (!STARTTLS_ONLY.test(line)) return this.error('STARTTLS', line, words.NO_ARGUMENTS);
    if (this.tls) return this.error('STARTTLS', line, words.TLS_ACTIVE);
    const offered = this.keywords ? this.keywords.has('STARTTLS') : this.current.offersStartTls(false);
    const context = offered ? this.house.contextOf(this.options) : undefined;
    if (!context) return this.error('STARTTLS', line, words.NOT_IMPLEMENTED);
    if (this.helo === undefined && this.options.require_ehlo) return this.error('STARTTLS', line, words.HELO_NEEDED);
    if (this.moreBehind) {
      this.tellEvent('starttls_injection', 'commands in clear behind STARTTLS');
      if (this.options.starttls_injection_policy === 'reject') return this.leave(words.TLS_INJECTION, this.phase, 'STARTTLS', line);
      this.dropRest = true;
      this.wire.dropQueued();
    }
    this.reset();
    this.forgetLogin();
    this.answer('STARTTLS', line, words.TLS_GO_AHEAD);
    this.secure(context, () => {
      this.helo = undefined;
      this.heloLine = '';
      this.keywords = undefined;
      this.phase = PHASE.awaitHelo;
    });
  }

  protected secure(context: SecureContext, then: () => void, rest?: Buffer): void {
    const { tls_allow_renegotiation, tls_client_ca, tls_verified_peer_can_relay, tls_verify_mode } = this.options;
    const asks = tls_verify_mode === 'require' || (tls_verify_mode !== 'none' && tls_client_ca !== undefined);
    this.securing = true;
    this.dueIn(HANDSHAKE_MS);
    const secured = (socket: TLSSocket) => {
      this.securing = false;
      this.inputAt = this.house.coarseNow;
      this.rearm();
      let handshakes = tls_allow_renegotiation ? MOST_RENEGOTIATIONS : 0;
      // Node's own limits hold for the sockets of its TLS server only, not for those that come by STARTTLS.
      socket.on('secure', () => {
        if (--handshakes < 0) socket.destroy();
      });
      this.tls = describeTls(socket);
      if (this.tls.verified && tls_verified_peer_can_relay) this.facts.set('can_relay', 'true');
      this.noteTls();
      if (tls_verify_mode === 'require' && !this.tls.verified) {
        this.tellEvent('tls_failed', 'no client certificate that could be verified');
        return this.leave(words.CERTIFICATE_NEEDED, this.phase);
      }
      then();
    };
    const { options } = this;
    const named = options.tls_sni && ((serverName: string) => this.house.namedContextOf(options, serverName));
    this.wire.upgrade(context, asks, secured, rest, named);
  }

  /** Context variables, as the manuals name them. */
  protected noteTls(): void {
    const { tls } = this;
    if (!tls) return;
    this.facts.set('tls', 'on');
    this.facts.set('tls_cipher', tls.cipher);
    this.facts.set('tls_cipher_usebits', String(tls.bits));
    if (tls.verified) this.facts.set('tls_client_verified', 'yes');
    if (tls.subject !== undefined) this.facts.set('tls_client_cert_subject', tls.subject);
    if (tls.issuer !== undefined) this.facts.set('tls_client_cert_issuer', tls.issuer);
  }
}
