/** CPU and memory of a whole process tree, read from /proc; CPU of members that have exited is counted by their parents. */
import fs from 'node:fs';

export interface TreeUse {
  /** User and system time in microseconds of all members, living and reaped. */
  readonly cpuMicros: number;
  readonly processes: number;
}

export interface TreeMemory {
  /** Proportional set size now, and the sum of each member's highest resident size, in MB (10^6). */
  readonly pssMb: number;
  readonly peakRssMb: number;
}

/** Linux's USER_HZ, fixed at 100 for what /proc shows. */
const TICK_MICROS = 10_000;

interface Stat {
  readonly parent: number;
  /** Own user+sys and that of reaped children, in ticks. */
  readonly own: number;
  readonly reaped: number;
}

/** CPU of `root` and all its descendants. A member that dies between two readings stays counted in its parent. */
export function readTree(root: number): TreeUse {
  const members = membersOf(root);
  let cpuMicros = 0;
  for (const [pid, stat] of members) cpuMicros += (exactMicros(pid) ?? stat.own * TICK_MICROS) + stat.reaped * TICK_MICROS;
  return { cpuMicros, processes: members.size };
}

/** Memory of `root` and all its descendants; costs the kernel some time, so not while something is measured. */
export function readMemory(root: number): TreeMemory {
  let pss = 0;
  let peak = 0;
  for (const pid of membersOf(root).keys()) {
    pss += readKilobytes(`/proc/${pid}/smaps_rollup`, 'Pss');
    peak += readKilobytes(`/proc/${pid}/status`, 'VmHWM');
  }
  return { pssMb: (pss * 1024) / 1e6, peakRssMb: (peak * 1024) / 1e6 };
}

function membersOf(root: number): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of fs.readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = readStat(pid);
    if (stat) all.set(pid, stat);
  }
  const members = new Map<number, Stat>();
  const children = groupByParent(all);
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    const stat = all.get(pid);
    if (!stat || members.has(pid)) continue;
    members.set(pid, stat);
    queue.push(...(children.get(pid) ?? []));
  }
  return members;
}

function groupByParent(all: ReadonlyMap<number, Stat>): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const [pid, { parent }] of all) {
    const group = groups.get(parent);
    if (group) group.push(pid);
    else groups.set(parent, [pid]);
  }
  return groups;
}

function readStat(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in parentheses may hold blanks and parentheses: what counts begins behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return { parent: field(4), own: field(14) + field(15), reaped: field(16) + field(17) };
}

/** Run time of all threads to the nanosecond, where the kernel keeps it: ticks of 10 ms are too coarse for a hundred short-lived processes. */
function exactMicros(pid: number): number | undefined {
  let nanos = 0;
  let threads: string[];
  try {
    threads = fs.readdirSync(`/proc/${pid}/task`);
  } catch {
    return undefined;
  }
  for (const thread of threads) {
    const text = readText(`/proc/${pid}/task/${thread}/schedstat`);
    if (text === undefined) return undefined;
    nanos += Number(text.split(' ')[0]);
  }
  return nanos / 1000;
}

function readKilobytes(file: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readText(file) ?? '');
  return Number(found?.[1] ?? 0);
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
