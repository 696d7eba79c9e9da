// Children of an earlier life of this data directory: a killed parent leaves them behind for a moment, or
// for good when they hang. Two processes must never work on one directory, so a new one waits, then kills.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';

/** A child ends by itself within 3 s of its parent; this much more is its machine's slowness. */
const WAIT_MS = 4_000;
const POLL_MS = 20;

function pidFile(dataDir: string, role: string): string {
  return join(dataDir, `${role}.pid`);
}

/** Remembers the child of that role for the next life. */
export function rememberChild(dataDir: string, role: string, pid: number): void {
  writeFileSync(pidFile(dataDir, role), `${pid}\n`);
}

export function forgetChild(dataDir: string, role: string): void {
  rmSync(pidFile(dataDir, role), { force: true });
}

/**
 * Waits until the child that an earlier life left is gone; kills it when it stays. Where processes cannot
 * be looked at (no /proc) nothing is killed: the number may be another program's by now.
 */
export async function endPredecessor(options: {
  readonly dataDir: string;
  readonly role: string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<void> {
  const { dataDir, role, clock, log } = options;
  const file = pidFile(dataDir, role);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (!Number.isSafeInteger(pid) || pid <= 0) return;
  const untilMs = clock.monotonicMs() + WAIT_MS;
  let killed = false;
  while (isOurs(pid, role, dataDir)) {
    if (!killed && clock.monotonicMs() > untilMs) {
      log.warn('a process of an earlier start hangs, ending it', { role, child: pid });
      process.kill(pid, 'SIGKILL');
      killed = true;
    }
    await clock.sleep(POLL_MS);
  }
}

/** Whether the process lives and is the child of that role for this data directory. */
function isOurs(pid: number, role: string, dataDir: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const isZombie = stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
    const [, settings = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0child\0');
    const ours =
      settings.includes(`"role":${JSON.stringify(role)}`) &&
      settings.includes(`"dataDir":${JSON.stringify(dataDir)}`);
    return ours && !isZombie;
  } catch {
    // Gone, or there is no /proc.
    return false;
  }
}
