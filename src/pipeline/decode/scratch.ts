// Files that hold one packed batch for DuckDB to read. In /dev/shm while it has room (64 MB in many
// containers), else in the temporary directory. Where /proc allows it a file has no name once it is
// open, so that a killed process leaves nothing behind. Must never be relied on after a restart.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';

export interface ScratchFile {
  /** What DuckDB opens. */
  readonly path: string;
  /** Bytes written so far. */
  readonly sizeBytes: number;
  /** Appends. Throws LOAD_SCRATCH_FULL (retry). */
  write(bytes: Uint8Array): void;
  /** Gives the space back. Idempotent. */
  close(): void;
}

/** Part of the free shared memory that one file may take: others grow meanwhile. */
const SHARED_MEMORY_SHARE = 3;

export class ScratchSpace {
  readonly #directories: readonly string[];
  readonly #random: Random;
  readonly #nameless: boolean;

  /** Directories in order of preference; the last one is used even if it looks full. They are made when missing. */
  constructor(directories: readonly string[], random: Random) {
    this.#directories = directories;
    this.#random = random;
    this.#nameless = existsSync('/proc/self/fd');
  }

  /** A new empty file for about `expectedBytes`. */
  create(expectedBytes: number): ScratchFile {
    const directory = this.#choose(expectedBytes);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const name = join(directory, `millrace-${this.#random.uuid()}.ndjson`);
    const descriptor = openSync(name, 'wx+', 0o600);
    if (!this.#nameless) return new OpenScratchFile(descriptor, name, name);
    unlinkSync(name);
    return new OpenScratchFile(descriptor, `/proc/self/fd/${descriptor}`, null);
  }

  #choose(expectedBytes: number): string {
    const roomy = this.#directories.find((directory) => {
      if (!existsSync(directory)) return false;
      const { bavail, bsize } = statfsSync(directory);
      return bavail * bsize > expectedBytes * SHARED_MEMORY_SHARE;
    });
    const last = this.#directories.at(-1);
    if (last === undefined) throw fail('INTERNAL', { detail: 'no scratch directory' });
    return roomy ?? last;
  }
}

class OpenScratchFile implements ScratchFile {
  readonly path: string;
  readonly #descriptor: number;
  /** Name to remove at the end, null when it has none any more. */
  readonly #name: string | null;
  #sizeBytes = 0;
  #open = true;

  constructor(descriptor: number, path: string, name: string | null) {
    this.#descriptor = descriptor;
    this.path = path;
    this.#name = name;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  write(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) {
        const written = writeSync(this.#descriptor, bytes, done, bytes.length - done);
        done += written;
        this.#sizeBytes += written;
      }
    } catch (thrown) {
      const full = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC';
      if (!full) throw thrown;
      const sizeBytes = this.#sizeBytes + bytes.length;
      throw fail('LOAD_SCRATCH_FULL', { sizeBytes, path: this.path }, thrown);
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#descriptor);
    if (this.#name !== null) unlinkSync(this.#name);
  }
}
