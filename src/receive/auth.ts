/** Logins of SMTP clients: which mechanisms there are for them, where their secrets lie, how often they may fail, what success brings. */
import { createHmac } from 'node:crypto';
import type { InboundValues } from '../config/snapshot.js';
import type { Clock } from '../kernel/clock.js';
import { reply } from '../mail/reply.js';
import type { Chains } from '../module/hook-set.js';
import type { AuthScheme } from '../module/io.js';
import { isRefusal, type Refusal, type Verdict } from '../module/verdict.js';
import { CramMd5 } from '../smtp/sasl/cram-md5.js';
import { DigestMd5 } from '../smtp/sasl/digest-md5.js';
import { Login } from '../smtp/sasl/login.js';
import type { Check, Done, Failed, Mechanism, Store } from '../smtp/sasl/mechanism.js';
import { OAuth } from '../smtp/sasl/oauth.js';
import { Plain } from '../smtp/sasl/plain.js';
import { Scram } from '../smtp/sasl/scram.js';
import type { Later, ServerSession } from '../smtp/server/reception.js';
import { type FilePorts, PasswordFiles } from './auth-files.js';
import { type FailureLimits, LoginLimits } from './auth-limits.js';
import { kindOf, openDigestFile, openPasswordFile, openScheme, type Parameters, readUri, type StoreKind } from './auth-store.js';

export interface LoginPorts {
  readonly clock: Clock;
  readonly files: Omit<FilePorts, 'clock' | 'log'>;
  /** Our name: the realm where none is configured. */
  hostname(): string;
  chains(): Chains;
  limits(): FailureLimits;
  /** The verifier that a module offers under a scheme. */
  scheme(name: string): AuthScheme | undefined;
  randomBytes(count: number): Buffer;
  log(level: 'info' | 'warning' | 'error', text: string, cause?: unknown): void;
}

type Client = ServerSession<never> | ServerSession<unknown>;

/** The option that configures a mechanism, and the stores it can work with. */
interface Kind {
  readonly name: string;
  readonly parameters: (options: InboundValues) => Parameters | undefined;
  readonly stores: readonly StoreKind[];
}

const PASSWORDS: readonly StoreKind[] = ['file', 'digest', 'module'];

/** The strongest first. */
const KINDS: readonly Kind[] = [
  { name: 'SCRAM-SHA-256-PLUS', parameters: (options) => options.authscramparameters, stores: ['file'] },
  { name: 'SCRAM-SHA-256', parameters: (options) => options.authscramparameters, stores: ['file'] },
  { name: 'DIGEST-MD5', parameters: (options) => options.authdigestmd5parameters, stores: ['file', 'digest'] },
  { name: 'CRAM-MD5', parameters: (options) => options.authcrammd5parameters, stores: ['file'] },
  { name: 'PLAIN', parameters: (options) => options.authplainparameters, stores: PASSWORDS },
  { name: 'LOGIN', parameters: (options) => options.authloginparameters, stores: PASSWORDS },
  { name: 'OAUTHBEARER', parameters: (options) => options.authoauthparameters, stores: ['module'] },
  { name: 'XOAUTH2', parameters: (options) => options.authoauthparameters, stores: ['module'] },
];

/** A verifier that takes longer is in trouble. */
const VERIFY_MS = 90_000;

const REFUSED: Refusal = { do: 'reject', reply: reply(535, '5.7.8', 'Authentication credentials invalid') };
const MALFORMED: Refusal = { do: 'reject', reply: reply(501, '5.5.2', 'authentication data is malformed') };
const TROUBLE: Refusal = { do: 'tempfail', reply: reply(454, '4.7.0', 'Temporary authentication failure') };
const TOO_OFTEN: Refusal = { do: 'tempfail', reply: reply(454, '4.7.0', 'Too many failed logins, try again later') };

interface Attempt {
  readonly isLogged: boolean;
  /** The client or the user failed too often before; nobody was asked. */
  blocked: boolean;
}

export class Logins {
  readonly #ports: LoginPorts;
  readonly #files: PasswordFiles;
  readonly #limits: LoginLimits;
  readonly #attempts = new WeakMap<object, Attempt>();
  readonly #saltKey: Buffer;

  constructor(ports: LoginPorts) {
    this.#ports = ports;
    this.#files = new PasswordFiles({ ...ports.files, clock: ports.clock, log: (level, text, cause) => ports.log(level, text, cause) });
    this.#limits = new LoginLimits(ports.clock, () => ports.limits());
    this.#saltKey = ports.randomBytes(32);
  }

  /** Names of all mechanisms that these options configure and whose store is there. */
  mechanisms(options: InboundValues): readonly string[] {
    const decided = options.always_allow || options.always_deny;
    return KINDS.filter(({ name, parameters, stores }) => {
      const given = parameters(options);
      if (!given) return false;
      const kind = this.#kindOf(given);
      if (stores.includes(kind) || decided) return true;
      this.#ports.log('warning', `AUTH ${name} is not offered: ${given.uri ?? 'no uri'} is no store that it can use`);
      return false;
    }).map(({ name }) => name);
  }

  begin(session: Client, name: string): Mechanism | undefined {
    const parameters = KINDS.find((kind) => kind.name === name)?.parameters(session.options);
    if (!parameters) return undefined;
    const attempt: Attempt = { isLogged: /^(?:true|yes|on|1)$/i.test(parameters.log_authentication ?? ''), blocked: false };
    this.#attempts.set(session, attempt);
    const realm = parameters.realm ?? this.#ports.hostname();
    return this.#make(name, this.#guard(session, attempt, this.#open(session, parameters, realm)), session, realm);
  }

  end(session: Client, name: string, ended: Done | Failed): Later<Verdict> {
    const { always_allow, always_deny } = session.options;
    const isMalformed = ended.kind === 'failed' && ended.why === 'malformed';
    let result: Check = ended.kind === 'done' ? 'ok' : ended.why === 'error' ? 'error' : 'no';
    if (always_deny) result = 'no';
    else if (always_allow && ended.user !== '' && !isMalformed) result = 'ok';
    if (result === 'no') this.#limits.failed(session.peer.ip, ended.user);
    else if (ended.kind === 'done') this.#limits.succeeded(session.peer.ip, ended.user);
    session.facts.set('auth_name', name);
    session.facts.set('auth_status', STATUS[result]);
    const { auth } = this.#ports.chains();
    const attempt = this.#attempts.get(session);
    const own =
      result === 'ok' ? undefined : result === 'no' ? (isMalformed ? MALFORMED : REFUSED) : attempt?.blocked ? TOO_OFTEN : TROUBLE;
    if (ended.user === '' || auth.empty) return this.#tell(session, ended.user, result, own, attempt);
    const said = auth.run(session, ended.user, result);
    const close = (verdict: Verdict): Verdict => this.#tell(session, ended.user, result, isRefusal(verdict) ? verdict : own, attempt);
    return said instanceof Promise ? said.then(close) : close(said);
  }

  #tell(session: Client, user: string, checked: Check, refusal: Refusal | undefined, attempt: Attempt | undefined): Verdict {
    const result: Check = refusal && checked === 'ok' ? (refusal.reply.code < 500 ? 'error' : 'no') : checked;
    session.facts.set('auth_status', STATUS[result]);
    if (!refusal) {
      session.facts.set('auth_user', user);
      session.facts.set('can_relay', 'true');
    }
    const { authenticated } = this.#ports.chains();
    if (!authenticated.empty) authenticated.run(session, user, result);
    if (attempt?.isLogged) {
      const where = session.peer.ip === '' ? 'a unix socket' : session.peer.ip;
      this.#ports.log('info', `login of ${JSON.stringify(user)} from ${where} by ${session.facts.get('auth_name') ?? ''}: ${result}`);
    }
    return refusal;
  }

  #kindOf(parameters: Parameters): StoreKind {
    return kindOf(readUri(parameters.uri), (scheme) => this.#ports.scheme(scheme));
  }

  #open(session: Client, parameters: Parameters, realm: string): Store {
    const address = readUri(parameters.uri);
    switch (this.#kindOf(parameters)) {
      case 'file':
        return openPasswordFile(this.#files, address?.path ?? '', parameters, realm);
      case 'digest':
        return openDigestFile(this.#files, address?.path ?? '', realm);
      case 'module': {
        const scheme = this.#ports.scheme(address?.scheme ?? '');
        if (scheme)
          return openScheme(scheme, session, this.#ports.clock, VERIFY_MS, (error) => this.#complain(address?.scheme ?? '', error));
        return NOWHERE;
      }
      default:
        return NOWHERE;
    }
  }

  #complain(scheme: string, error: unknown): void {
    this.#ports.log('error', `a login could not be checked by ${scheme}`, error);
  }

  /** Nobody who failed too often is looked up at all. */
  #guard({ peer }: Client, attempt: Attempt, store: Store): Store {
    const mayAsk = (user: string): boolean => {
      attempt.blocked = this.#limits.blocks(peer.ip, user);
      return !attempt.blocked;
    };
    return {
      secret: async (user) => (mayAsk(user) ? store.secret(user) : 'error'),
      check: async (user, secret) => (mayAsk(user) ? store.check(user, secret) : 'error'),
    };
  }

  #make(name: string, store: Store, session: Client, realm: string): Mechanism | undefined {
    const { clock, hostname, randomBytes } = this.#ports;
    switch (name) {
      case 'PLAIN':
        return new Plain(store);
      case 'LOGIN':
        return new Login(store);
      case 'CRAM-MD5':
        return new CramMd5(store, `<${randomBytes(12).toString('hex')}.${clock.now()}@${hostname()}>`);
      case 'DIGEST-MD5':
        return new DigestMd5(store, realm, randomBytes(24).toString('base64url'));
      case 'XOAUTH2':
      case 'OAUTHBEARER':
        return new OAuth(name, store);
      case 'SCRAM-SHA-256':
      case 'SCRAM-SHA-256-PLUS': {
        const bindings = session.channelBindings?.();
        return new Scram(name, store, {
          nonce: randomBytes(24).toString('base64url'),
          saltOf: (user) => createHmac('sha256', this.#saltKey).update(user).digest().subarray(0, 16),
          ...(bindings && { bindings }),
          offersPlus: session.tls !== undefined && session.extensions.get('AUTH')?.includes('-PLUS') === true,
        });
      }
      default:
        return undefined;
    }
  }
}

const STATUS: Readonly<Record<Check, string>> = { ok: 'pass', no: 'fail', error: 'error' };

/** No store, where always_allow or always_deny decides. */
const NOWHERE: Store = { secret: async () => 'error', check: async () => 'error' };
