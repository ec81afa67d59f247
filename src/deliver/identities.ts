/** Under which identity mail is sent: asked of the hook when mail is taken, known as long as it is in our hands. */
import { createHash } from 'node:crypto';
import type { Copy } from '../module/copy.js';
import type { Supply } from '../module/flow.js';
import type { Later } from '../module/hook.js';
import type { Chains } from '../module/hook-set.js';
import type { Login, NoLogin } from '../module/login.js';
import { CLAIMS } from '../smtp/sasl/claimant.js';
import type { Station } from './station.js';

/** What a connection is logged in as. */
export interface Identity {
  /** Two identities with the same key may share a connection. A digest: the secret cannot be read from it. */
  readonly key: string;
  readonly login: Login | undefined;
  /** The mail may not be sent, with this reply. */
  readonly cannot: string | undefined;
}

const CANNOT_TELL = '454 4.7.0 [internal] nobody could tell the identity that this mail is sent under';

const isLater = <T>(x: Later<T>): x is Promise<T> => x instanceof Promise;

export class Identities {
  readonly #chain: () => Chains['outbound_auth'];
  readonly #isStopping: () => boolean;
  readonly #known = new WeakMap<Copy, Identity>();
  /** Modules answer the same object as long as their configuration holds. */
  readonly #made = new WeakMap<object, Identity>();

  constructor(chain: () => Chains['outbound_auth'], isStopping: () => boolean) {
    this.#chain = chain;
    this.#isStopping = isStopping;
  }

  /** Somebody answers the hook: connections are not alike any more. */
  get asked(): boolean {
    return this.#chain().placed.length > 0;
  }

  /** What was answered for a mail that was taken; undefined sends it as nobody. */
  of(mail: Copy | undefined): Identity | undefined {
    return mail && this.asked ? this.#known.get(mail) : undefined;
  }

  /** Takes the next mails of a place that may share a connection; those of the batch that may not wait at its head. */
  take(station: Station, supply: Supply, max: number): readonly Copy[] | Promise<readonly Copy[]> {
    const isHead = station.head !== undefined;
    const mails = station.take(supply, max);
    if (!this.asked) return mails;
    const sort = (read: readonly Copy[]): readonly Copy[] | Promise<readonly Copy[]> => {
      const unknown = isHead ? read.filter((mail) => !this.#known.has(mail)) : read;
      const pending = this.#ask(unknown);
      return pending ? pending.then(() => this.#split(station, supply, read)) : this.#split(station, supply, read);
    };
    return mails instanceof Promise ? mails.then(sort) : sort(mails);
  }

  #ask(mails: readonly Copy[]): Promise<unknown> | undefined {
    let pending: Promise<void>[] | undefined;
    const chain = this.#chain();
    for (const mail of mails) {
      const before = faultsOf(chain);
      const learn = (answer: Login | NoLogin | undefined): void => {
        // A handler that failed may have been the one that knew: sent as nobody, or as somebody else, the mail could be refused for good.
        const sure = faultsOf(chain) === before ? answer : { cannot: CANNOT_TELL };
        if (sure) this.#known.set(mail, this.#identityOf(sure));
        else this.#known.delete(mail);
      };
      const answer = chain.run(mail);
      if (isLater(answer)) (pending ??= []).push(answer.then(learn, () => learn({ cannot: CANNOT_TELL })));
      else learn(answer);
    }
    return pending && Promise.all(pending);
  }

  #split(station: Station, supply: Supply, mails: readonly Copy[]): readonly Copy[] {
    const key = this.of(mails[0])?.key;
    const others = mails.filter((mail) => this.of(mail)?.key !== key);
    if (others.length === 0) return mails;
    station.hold(others, supply, this.#isStopping());
    return mails.filter((mail) => this.of(mail)?.key === key);
  }

  #identityOf(answer: Login | NoLogin): Identity {
    const known = this.#made.get(answer);
    if (known) return known;
    const identity = makeIdentity(answer);
    this.#made.set(answer, identity);
    return identity;
  }
}

const faultsOf = ({ placed }: Chains['outbound_auth']): number => placed.reduce((sum, { errors }) => sum + errors, 0);

function makeIdentity(answer: Login | NoLogin): Identity {
  if ('cannot' in answer) return { key: `cannot ${answer.cannot}`, login: undefined, cannot: answer.cannot };
  const { mechanism, user, secret, inClear, refused } = answer;
  // Scripts answer too.
  if (!CLAIMS.includes(mechanism) || typeof user !== 'string' || typeof secret !== 'string') return makeIdentity({ cannot: CANNOT_TELL });
  const key = createHash('sha256')
    .update(JSON.stringify([mechanism, user, secret, inClear, refused]))
    .digest('base64');
  return { key, login: answer, cannot: undefined };
}
