/** Coded errors: what the public may read stands apart from the private cause. Each room declares its own in a problems.ts. */

export interface ProblemKind {
  /** Stable code, e.g. SPOOL_LOCKED. */
  readonly code: string;
  /** What may be shown to anybody, with %s for the details in order. */
  readonly text: string;
  /** One sentence for the reference: when it happens and what to do. */
  readonly doc: string;
}

/** An error with a code. `message` is the public text; `cause` and `detail` are for operators. */
export class CodedError extends Error {
  readonly kind: ProblemKind;
  readonly code: string;
  readonly detail: readonly string[];

  constructor(kind: ProblemKind, detail: readonly string[] = [], options?: ErrorOptions) {
    let n = 0;
    super(
      kind.text.replace(/%s/g, () => detail[n++] ?? ''),
      options,
    );
    this.kind = kind;
    this.code = kind.code;
    this.detail = detail;
    this.name = 'CodedError';
  }
}

/** Declares a room's catalogue: `const problems = declareProblems({ LOCKED: {...} })`, then `throw problems.LOCKED('/var/spool')`. */
export function declareProblems<K extends string>(
  room: string,
  kinds: Readonly<Record<K, { readonly text: string; readonly doc: string }>>,
): {
  readonly [P in K]: ((...detail: string[]) => CodedError) & {
    readonly kind: ProblemKind;
    because(cause: unknown, ...detail: string[]): CodedError;
  };
} {
  const made: Record<string, unknown> = {};
  for (const name of Object.keys(kinds) as K[]) {
    const kind: ProblemKind = { code: `${room.toUpperCase()}_${name}`, ...kinds[name] };
    made[name] = Object.assign((...detail: string[]) => new CodedError(kind, detail), {
      kind,
      because: (cause: unknown, ...detail: string[]) => new CodedError(kind, detail, { cause }),
    });
  }
  return made as never;
}

/** The code of any error, or the words of something that is none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : String(error);
}
