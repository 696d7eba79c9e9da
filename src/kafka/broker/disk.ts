// File steps of the embedded broker: whole reads and writes, atomic replacement, and the one place
// where a full disk becomes DISK_FULL. Everything here is synchronous on purpose: appends go to the
// page cache in microseconds and need no ordering of their own. Only fsync is left to others.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fail } from '../../base/errors.ts';

/** Runs a file step; ENOSPC and EDQUOT come out as DISK_FULL, anything else as it was thrown. */
export function onDisk<T>(where: string, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    if (isDiskFull(thrown)) throw fail('DISK_FULL', { path: where }, thrown);
    throw thrown;
  }
}

function isDiskFull(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !('code' in thrown)) return false;
  return thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT';
}

/** Writes all of `data` at `position`, however many calls that takes. */
export function writeFully(fd: number, data: Buffer, position: number): void {
  let written = 0;
  while (written < data.length) {
    written += fs.writeSync(fd, data, written, data.length - written, position + written);
  }
}

/** Reads up to `target.length` bytes at `position`; fewer only at the end of the file. */
export function readFully(fd: number, target: Buffer, position: number): number {
  let read = 0;
  while (read < target.length) {
    const count = fs.readSync(fd, target, read, target.length - read, position + read);
    if (count === 0) break;
    read += count;
  }
  return read;
}

/** Makes a rename or a new file in `directory` survive a machine crash. */
export function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Replaces a small file: readers see the old or the new content, never a mixture.
 * `durable` waits for the disk; without it a machine crash may leave a file that does not parse.
 */
export function writeFileAtomically(file: string, content: string, durable: boolean): void {
  onDisk(file, () => {
    const temporary = `${file}.tmp`;
    const fd = fs.openSync(temporary, 'w');
    try {
      writeFully(fd, Buffer.from(content, 'utf8'), 0);
      if (durable) fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
    if (durable) syncDirectory(path.dirname(file));
  });
}

/** The file's text, null when there is no such file. */
export function readTextIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
    throw thrown;
  }
}
