/** Who we are to a next hop that asks for it: what a policy answers for one mail. */

/** SASL mechanisms that a next hop may ask for. */
export type LoginMechanism = 'SCRAM-SHA-256' | 'CRAM-MD5' | 'PLAIN' | 'LOGIN' | 'XOAUTH2';

/** An identity and how it is shown. */
export interface Login {
  readonly mechanism: LoginMechanism;
  readonly user: string;
  /** Password; with XOAUTH2 the access token. Never shown, logged nor written down. */
  readonly secret: string;
  /** PLAIN, LOGIN and XOAUTH2, which show the secret to whoever reads along, are said without TLS too. */
  readonly inClear: boolean;
  /** What a server's 5xx to AUTH means for the mail. */
  readonly refused: 'tempfail' | 'permfail';
}

/** The mail has to be sent under an identity that cannot be told: it is not sent, with this reply of ours, code first. */
export interface NoLogin {
  readonly cannot: string;
}
