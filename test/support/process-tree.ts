// The processes of a server under test, from /proc (Linux): which child plays which role, how
// much memory it has, and who is left.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** 'query', 'loader', 'broker' for a child of Millrace, else ''. */
  readonly role: string;
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Every living Millrace child that works on the data directory, whoever is its parent by now. */
export function childrenOf(dataDir: string): RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => toProcess(Number(name), dataDir))
    .filter((found) => found !== null);
}

function toProcess(pid: number, dataDir: string): RunningProcess | null {
  const args = read(pid, 'cmdline').split('\0');
  const settings = args[args.indexOf('child') + 1] ?? '';
  if (!args.includes('child') || !settings.includes(`"dataDir":${JSON.stringify(dataDir)}`))
    return null;
  const role = /"role":"(\w+)"/.exec(settings)?.[1] ?? '';
  const stat = read(pid, 'stat');
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === undefined || state === '') return null;
  return { pid, parent: Number(parent), role };
}

/** Resident memory of a process, in bytes. Throws when it is gone. */
export function residentBytes(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1];
  return Number(pages) * 4096;
}

/** Remote ports of the process's open IPv4 connections. */
export function peersOf(pid: number): number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed since it was listed.
        return [];
      }
    }),
  );
  return read(pid, 'net/tcp')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[3] === ESTABLISHED && inodes.has(cells[9] ?? ''))
    .map((cells) => Number.parseInt(cells[2]?.split(':')[1] ?? '', 16));
}

const ESTABLISHED = '01';
