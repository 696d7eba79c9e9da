// CPU time and peak memory of a process and its children, from /proc (Linux).
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSeconds: number;
}

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { pid, parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return null;
  }
}

/** The process and everything it started, as it is now. */
export function processTree(root: number): Stat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null);
  const members = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const stat of all) {
      if (members.has(stat.parent) && !members.has(stat.pid)) {
        members.add(stat.pid);
        grown = true;
      }
    }
  }
  return all.filter((stat) => members.has(stat.pid));
}

/** CPU-seconds used so far by the tree. */
export function cpuSeconds(root: number): number {
  return processTree(root).reduce((sum, stat) => sum + stat.cpuSeconds, 0);
}

/** Sum of the peak resident sizes of the tree's processes: an upper bound of the peak of the sum. */
export function peakRssBytes(root: number): number {
  return processTree(root).reduce((sum, { pid }) => sum + peakOf(pid), 0);
}

function peakOf(pid: number): number {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** CPU-seconds used so far by one process. */
export function cpuSecondsOf(pid: number): number {
  return readStat(pid)?.cpuSeconds ?? 0;
}
