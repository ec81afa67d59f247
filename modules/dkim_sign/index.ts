/** dkim_sign: puts DKIM signatures on a message as it leaves. */
import type { KeyObject } from 'node:crypto';
import { type Draft, defineModule, opt, type Run, tempfail } from '#module';
import { domainOfMailbox, toDomain } from './author.js';
import { DIGESTS, readKey } from './keys.js';
import { findFault, type Plan, planSignatures } from './plans.js';
import { Signer } from './signer.js';
import { SigningStats } from './stats.js';

const signing = {
  selector: opt.string({ doc: 'Selector of the key record in DNS.' }),
  key: opt.string({ doc: 'File of the private key in PEM; %{d} is the signing domain and %{s} the selector.' }),
  ed25519_selector: opt.string({ doc: 'Selector of a second signature with Ed25519 (RFC 8463).', origin: 'ours' }),
  ed25519_key: opt.string({
    doc: 'File of the Ed25519 key of the second signature; with key it stands beside the RSA signature. %{d} and %{s} as in key.',
    origin: 'ours',
  }),
  digest: opt.choice(...DIGESTS)({
    doc: 'Algorithm of the signature made with key. rsa-sha1 is obsolete (RFC 8301) and warned about.',
    default: 'rsa-sha256',
  }),
  header_canon: opt.choice('relaxed', 'simple')({ doc: 'How headers are made canonical.', default: 'relaxed' }),
  body_canon: opt.choice('relaxed', 'simple')({ doc: 'How the body is made canonical.', default: 'relaxed' }),
  headerlist: opt.string({
    doc: 'Headers to sign, parted by colons; From must be among them. A name signs one copy, and the absence of a further one when there is none left; `?` only what is there, `*` all copies or else their absence, `+` all copies there are. Required.',
  }),
  identity: opt.string({ doc: 'The i= tag, an address or @domain within the signing domain.' }),
  lifetime: opt.int({ doc: 'Hours a signature is valid, the x= tag; unset means for ever.', min: 1 }),
  body_length_limit: opt.int({
    doc: 'Sign at most so many octets of the body, the l= tag. What is added behind them passes; unset signs all.',
    min: 1,
  }),
  copy_headers: opt.bool({ doc: 'Put copies of the signed headers into the z= tag, to find out what changed them.', default: false }),
};

/** A key that fails is logged once in this time. */
const QUIET_MS = 60_000;
const MOST_REMEMBERED = 10_000;

export default defineModule({
  name: 'dkim_sign',
  summary: 'Put DKIM signatures on outbound mail.',
  validates: true,
  options: {
    ...signing,
    sign_condition: opt.string({ doc: 'Sign only when this context variable of the message or its connection is set.' }),
    sign_by: opt.choice(
      'from',
      'sender',
      'envelope',
    )({
      doc: 'Whose domain signs: that of From, that of Sender where there is one, or that of MAIL FROM.',
      default: 'from',
      origin: 'ours',
    }),
    on_sign_failure: opt.choice(
      'pass',
      'tempfail',
    )({
      doc: 'What becomes of a message that should be signed and cannot be: it goes unsigned, logged and counted, or it is put off.',
      default: 'pass',
      origin: 'ours',
    }),
    keycache_size: opt.int({ doc: 'How many keys are kept in memory.', default: 2048, min: 1, reload: 'restart' }),
    pos_keycache_ttl: opt.seconds({ doc: 'How long a key is kept.', default: 300, reload: 'restart' }),
    neg_keycache_ttl: opt.seconds({ doc: 'How long it is remembered that a key cannot be read.', default: 3600, reload: 'restart' }),
  },
  blocks: {
    dk_domain: {
      ...signing,
      base_domain: opt.string({ doc: 'Sign in the name of this parent domain.' }),
    },
  },
  scoped: {
    dkim: opt.bool({
      doc: 'Whether mail is signed.',
      default: true,
      scopes: ['global', 'binding_group', 'binding', 'domain'],
    }),
  },

  check(own) {
    const warnings = [];
    if (own.digest === 'rsa-sha1') {
      warnings.push({
        option: 'digest',
        say: 'rsa-sha1 is obsolete and verifiers ignore it (RFC 8301); use rsa-sha256',
        level: 'warning' as const,
      });
    }
    if (own.body_length_limit !== undefined) {
      warnings.push({
        option: 'body_length_limit',
        say: 'anybody can add to a message signed with l= (RFC 6376 8.2)',
        level: 'warning' as const,
      });
    }
    return warnings;
  },

  async register(ctx) {
    const { options } = ctx;
    const keys = ctx.cache<KeyObject>('keycache', options.keycache_size, { hit: options.pos_keycache_ttl, miss: options.neg_keycache_ttl });
    const keyOf = (plan: Plan): KeyObject | Promise<KeyObject> => {
      const { digest } = plan.recipe;
      const name = `${digest === 'ed25519-sha256' ? digest : 'rsa'} ${plan.keyFile}`;
      return keys.peek(name) ?? keys.get(name, async () => readKey(await ctx.readFile(plan.keyFile), digest, plan.keyFile));
    };

    const plans = new Map<string, readonly Plan[]>();
    for (const [name, block] of ctx.blocks('dk_domain')) {
      const domain = toDomain(name);
      if (domain === undefined) return { option: 'dk_domain', say: `"${name}" is no domain` };
      const planned = planSignatures(domain, block);
      if (typeof planned === 'string') return { option: 'dk_domain', say: `${name}: ${planned}` };
      plans.set(domain, planned);
    }
    // A stanza without key and selector of its own only holds what its blocks fall back to.
    const signsAll =
      (options.key !== undefined && options.selector !== undefined) ||
      (options.ed25519_key !== undefined && options.ed25519_selector !== undefined);
    const fault = signsAll || plans.size === 0 ? findFault(options) : undefined;
    if (fault) return fault;
    for (const plan of [...plans.values()].flat()) {
      try {
        await keyOf(plan);
      } catch (error) {
        return { option: 'key', say: error instanceof Error ? error.message : String(error) };
      }
    }

    const signer = new Signer(keyOf, () => ctx.now());
    const counting = ctx.core({}).signing_stats;
    const stats = new SigningStats(counting === 'all');
    const others = new Map<string, readonly Plan[]>();
    const complained = new Map<string, number>();

    ctx.on('sign', (draft, place, run) => {
      // By the recipient's domain: with a gateway the place's is the same for everybody.
      if (!ctx.at({ group: place.group, binding: place.binding, domain: draft.recipient.domain }).dkim || !isWanted(draft))
        return undefined;
      const domain = domainOf(draft);
      const planned = domain === undefined ? [] : plansOf(domain);
      return domain === undefined || planned.length === 0 ? undefined : put(draft, domain, planned, run);
    });

    const isWanted = ({ facts, reception }: Draft): boolean => {
      const { sign_condition: name } = options;
      return name === undefined || facts.has(name) || reception.facts.has(name);
    };

    function domainOf(draft: Draft): string | undefined {
      if (options.sign_by === 'envelope') return draft.sender ? toDomain(draft.sender.domain) : undefined;
      // The lowest copy is the one that is signed first.
      const field = (options.sign_by === 'sender' ? draft.headers.all('sender').at(-1) : undefined) ?? draft.headers.all('from').at(-1);
      return field === undefined ? undefined : domainOfMailbox(field);
    }

    function plansOf(domain: string): readonly Plan[] {
      const own = plans.get(domain) ?? others.get(domain);
      if (own || !signsAll) return own ?? [];
      const planned = planSignatures(domain, options);
      const found = typeof planned === 'string' ? [] : planned;
      if (others.size >= MOST_REMEMBERED) others.clear();
      others.set(domain, found);
      return found;
    }

    async function put(draft: Draft, domain: string, planned: readonly Plan[], run: Run) {
      const began = performance.now();
      const made = await Promise.allSettled(planned.map((plan) => signer.sign(draft, plan, run)));
      let signed = 0;
      // The first plan's signature comes to stand on top.
      for (const [i, outcome] of [...made.entries()].reverse()) {
        if (outcome.status === 'rejected') complain(planned[i]?.keyFile ?? '', outcome.reason);
        else {
          draft.headers.prepend('DKIM-Signature', outcome.value);
          signed++;
        }
      }
      const failed = planned.length - signed;
      if (counting !== 'off') stats.note(domain, signed, failed, performance.now() - began);
      if (signed > 0) ctx.count('signed', { domain });
      if (failed === 0) return undefined;
      ctx.count('failed', { domain });
      return options.on_sign_failure === 'pass' ? undefined : tempfail('451 4.3.0 [internal] the message could not be signed');
    }

    function complain(keyFile: string, error: unknown): void {
      const now = ctx.now();
      if (now - (complained.get(keyFile) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return;
      if (complained.size >= MOST_REMEMBERED) complained.clear();
      complained.set(keyFile, now);
      const then = options.on_sign_failure === 'pass' ? 'goes unsigned' : 'is put off';
      ctx.log('error', `mail ${then}: ${error instanceof Error ? error.message : String(error)}`);
    }

    ctx.command('flush keycache', {
      doc: 'Forget every key; they are read again when they are needed.',
      writes: true,
      merge: 'sum',
      run: () => `${keys.clear()} keys forgotten`,
    });
    ctx.command('stats', {
      doc: 'Messages processed, signatures made and failed, and the time they took, in all and by domain.',
      merge: 'sum',
      run: () =>
        stats.rows().map(({ domain, processed, signed, failed, milliseconds }) => ({ domain, processed, signed, failed, milliseconds })),
    });
    return undefined;
  },
});
