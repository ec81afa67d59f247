/** For the tests of mechanisms: a store with known users, and exchanges line by line. */
import type { Mechanism, Secret, Step, Store } from './mechanism.js';

/** Passwords by user. With `trouble` every question fails. */
export function storeOf(users: Readonly<Record<string, string>>, trouble = false): Store {
  const known = new Map(Object.entries(users));
  const secret = async (user: string): Promise<Secret | 'none' | 'error'> => {
    const password = known.get(user);
    if (trouble) return 'error';
    return password === undefined ? 'none' : { kind: 'clear', password };
  };
  return {
    secret,
    check: async (user, password) => (trouble ? 'error' : known.get(user) === password ? 'ok' : 'no'),
  };
}

/** Says the given messages one after the other; undefined is no initial response. Answers every step in words. */
export async function converse(mechanism: Mechanism, ...said: readonly (string | undefined)[]): Promise<string[]> {
  const steps: string[] = [];
  for (const text of said) steps.push(describeStep(await mechanism.step(text === undefined ? undefined : Buffer.from(text, 'utf8'))));
  return steps;
}

export function describeStep(step: Step): string {
  if (step.kind === 'challenge') return `> ${step.bytes.toString('utf8')}${step.failed ? ` (${describeStep(step.failed)})` : ''}`;
  return step.kind === 'done' ? `done ${step.user}` : `${step.why} ${step.user}`.trim();
}
