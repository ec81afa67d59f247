/** Signs mails by plans: keys and hashes are kept, and the copies of one reception share their signatures. */
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Body, Draft, Reception, Run } from '#module';
import { type BodyDigest, BodyHash } from './body-hash.js';
import { Gate } from './gate.js';
import type { Plan } from './plans.js';
import { formSignature } from './signature.js';

/** Octets hashed before others get their turn. */
const SLICE = 256 * 1024;

/** One core is left to everything else. */
const rsaGate = new Gate(availableParallelism() - 1);

interface Known {
  readonly plan: Plan;
  readonly block: Buffer;
  readonly body: Body;
  readonly value: Promise<string>;
}

export class Signer {
  readonly #readKey: (plan: Plan) => KeyObject | Promise<KeyObject>;
  readonly #now: () => number;
  readonly #known = new WeakMap<Reception, Known[]>();
  readonly #digests = new WeakMap<Body, Map<string, Promise<BodyDigest>>>();

  /** `now` answers wall milliseconds. */
  constructor(readKey: (plan: Plan) => KeyObject | Promise<KeyObject>, now: () => number) {
    this.#readKey = readKey;
    this.#now = now;
  }

  /** The value of the signature of a plan over a draft as it is now. Reading a body from its file ends with the run's deadline. */
  sign(draft: Draft, plan: Plan, run: Run): Promise<string> {
    const block = draft.headers.bytes();
    const body = draft.content;
    let known = this.#known.get(draft.reception);
    if (!known) this.#known.set(draft.reception, (known = []));
    const same = known.find((one) => one.plan === plan && one.body === body && (one.block === block || one.block.equals(block)));
    if (same) return same.value;
    const value = this.#make(draft, plan, run);
    known.push({ plan, block, body, value });
    return value;
  }

  async #make(draft: Draft, plan: Plan, run: Run): Promise<string> {
    const { recipe } = plan;
    // Read before anything is awaited: other copies may get their fields meanwhile.
    const fields = draft.headers.fields();
    const now = Math.floor(this.#now() / 1000);
    const key = await this.#readKey(plan);
    const digest = await this.#digestOf(draft.content, plan, run);
    const work = () => formSignature(recipe, key, fields, digest, now);
    return recipe.digest === 'ed25519-sha256' ? work() : rsaGate.run(work);
  }

  #digestOf(body: Body, plan: Plan, run: Run): Promise<BodyDigest> {
    const algorithm = plan.recipe.digest === 'rsa-sha1' ? 'sha1' : 'sha256';
    const name = `${algorithm} ${plan.recipe.bodyCanon} ${plan.bodyLimit}`;
    let digests = this.#digests.get(body);
    if (!digests) this.#digests.set(body, (digests = new Map()));
    let digest = digests.get(name);
    if (!digest) digests.set(name, (digest = hashBody(body, new BodyHash(algorithm, plan.recipe.bodyCanon, plan.bodyLimit), run)));
    return digest;
  }
}

async function hashBody(body: Body, hash: BodyHash, run: Run): Promise<BodyDigest> {
  if (!body.resident) {
    for await (const chunk of body.read()) {
      run.signal.throwIfAborted();
      hash.push(chunk);
    }
  } else {
    let since = 0;
    for (const chunk of body.resident) {
      for (let from = 0; from < chunk.length; from += SLICE) {
        const part = chunk.length <= SLICE ? chunk : chunk.subarray(from, from + SLICE);
        if (since + part.length > SLICE && since > 0) {
          await nextTurn();
          since = 0;
        }
        hash.push(part);
        since += part.length;
      }
    }
  }
  return hash.finish();
}
