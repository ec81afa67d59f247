/** One measurement: a load through a subject, from the first connection until the sink has counted every message. */
import { type Run, smtpSource } from '../harness/program.js';
import type { CountingSink } from './counting-sink.js';
import type { Subject } from './subject.js';
import { readMemory, readTree, type TreeMemory } from './tree.js';

/** What a column of the table is about. */
export interface Scenario {
  readonly sessions: number;
  readonly bytes: number;
  /** Connections kept open over messages, or one for each. */
  readonly kept: boolean;
}

export interface Measure {
  readonly messages: number;
  readonly seconds: number;
  /** Messages a second, end to end. */
  readonly rate: number;
  /** User+sys of the subject's whole tree, µs a message. */
  readonly cpuMicros: number;
  readonly memory: TreeMemory;
  readonly processes: number;
}

const POLL_MS = 5;
const LONGEST_MS = 180_000;
/** No message in this time: none will come. */
const STALLED_MS = 15_000;
/** Logs, outcomes and the emptying of queues come a moment after the sink's last reply; their CPU belongs to the messages. */
const SETTLE_MS = 300;

/** Puts `messages` through and waits until the sink has them all; throws when they do not come. */
export async function measure(subject: Subject, sink: CountingSink, scenario: Scenario, messages: number): Promise<Measure> {
  const before = readTree(subject.pid);
  const goal = sink.count() + messages;
  const started = performance.now();
  let failure: unknown;
  const load: Promise<Run | undefined> = smtpSource(subject.port, {
    ...scenario,
    messages,
    from: 'bench@source.example',
    to: 'somebody@bench.example',
    timeoutMs: LONGEST_MS,
  }).catch((error: unknown) => {
    failure = error;
    return undefined;
  });
  let seen = sink.count();
  let seenAt = started;
  while (seen < goal) {
    if (failure !== undefined) throw failure;
    const now = performance.now();
    if (now - seenAt > STALLED_MS || now - started > LONGEST_MS) {
      const missing = `${goal - seen} of ${messages} messages did not reach the sink`;
      throw new Error(`${subject.name}: ${missing} in ${Math.round((now - started) / 1000)} s; its last words:\n${subject.lastWords()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const count = sink.count();
    if (count > seen) seenAt = now;
    seen = count;
  }
  const seconds = (performance.now() - started) / 1000;
  await load;
  if (failure !== undefined) throw failure;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const after = readTree(subject.pid);
  if (sink.count() !== goal) throw new Error(`${subject.name}: the sink counts ${sink.count() - goal} messages too many`);
  if ((await subject.waiting()) > 0) await subject.purge();
  return {
    messages,
    seconds,
    rate: messages / seconds,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / messages,
    memory: readMemory(subject.pid),
    processes: after.processes,
  };
}

/** Warms a subject up for a scenario and finds how many messages it moves in about `seconds`. */
export async function findCount(subject: Subject, sink: CountingSink, scenario: Scenario, seconds: number): Promise<number> {
  let messages = Math.max(100, scenario.sessions * 5);
  for (;;) {
    const warm = await measure(subject, sink, scenario, messages);
    if (warm.seconds >= Math.min(1, seconds / 2) || messages >= 20_000) return Math.max(100, Math.round((warm.rate * seconds) / 100) * 100);
    messages = Math.min(20_000, messages * 4);
  }
}
