// Files that hold one packed batch for DuckDB to read. In /dev/shm while it has room (64 MB in many
// containers), else in the temporary directory. Files are written over and over, since new memory pages
// cost more than the copy. Where /proc allows it a file has no name once it is open, so that a killed
// process leaves nothing behind. Must never be relied on after a restart.
import {
  closeSync,
  existsSync,
  ftruncateSync,
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
  /** Appends. Throws LOAD_SCRATCH_FULL (retry). */
  write(bytes: Uint8Array): void;
  /** Begins anew: what was written is forgotten. */
  restart(): void;
  /** Ends writing: call before the file is read. */
  finish(): void;
  /** Gives the space back. Idempotent. */
  close(): void;
}

/** Part of the free space that one file may take: others grow meanwhile. */
const FREE_SPACE_SHARE = 3;
/** Files kept for the next batches; each keeps the space of its last batch. */
const KEPT_FILES = 3;

export class ScratchSpace {
  readonly #directories: readonly string[];
  readonly #random: Random;
  readonly #nameless: boolean;
  readonly #kept: OpenScratchFile[] = [];
  #closed = false;

  /** Directories in order of preference; the last one is used even if it looks full. They are made when missing. */
  constructor(directories: readonly string[], random: Random) {
    this.#directories = directories;
    this.#random = random;
    this.#nameless = existsSync('/proc/self/fd');
  }

  /** An empty file for about `expectedBytes`. */
  create(expectedBytes: number): ScratchFile {
    const kept = this.#kept.findIndex((file) => file.hasRoom(expectedBytes));
    const [reused] = kept < 0 ? [] : this.#kept.splice(kept, 1);
    if (reused !== undefined) {
      reused.reopen();
      return reused;
    }
    const directory = this.#choose(expectedBytes);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const name = join(directory, `millrace-${this.#random.uuid()}.ndjson`);
    const descriptor = openSync(name, 'wx+', 0o600);
    if (this.#nameless) unlinkSync(name);
    return new OpenScratchFile({
      descriptor,
      path: this.#nameless ? `/proc/self/fd/${descriptor}` : name,
      name: this.#nameless ? null : name,
      directory,
      onClose: (file) => this.#keep(file),
    });
  }

  /** Frees the kept files; those in use go when they are closed. */
  close(): void {
    this.#closed = true;
    for (const file of this.#kept.splice(0)) file.remove();
  }

  #keep(file: OpenScratchFile): void {
    if (this.#closed || this.#kept.length >= KEPT_FILES) file.remove();
    else this.#kept.push(file);
  }

  #choose(expectedBytes: number): string {
    const roomy = this.#directories.find((directory) => hasSpace(directory, expectedBytes));
    const last = this.#directories.at(-1);
    if (last === undefined) throw fail('INTERNAL', { detail: 'no scratch directory' });
    return roomy ?? last;
  }
}

function hasSpace(directory: string, bytes: number): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize > bytes * FREE_SPACE_SHARE;
}

interface ScratchFileParts {
  readonly descriptor: number;
  readonly path: string;
  /** Name to remove at the end, null when it has none any more. */
  readonly name: string | null;
  readonly directory: string;
  readonly onClose: (file: OpenScratchFile) => void;
}

class OpenScratchFile implements ScratchFile {
  readonly #parts: ScratchFileParts;
  /** Bytes of this batch. */
  #written = 0;
  /** Bytes that the file had before: space that is ours already. */
  #owned = 0;
  #isOpen = true;

  constructor(parts: ScratchFileParts) {
    this.#parts = parts;
  }

  get path(): string {
    return this.#parts.path;
  }

  /** Whether so many bytes fit into what the file has, or its directory has space for more. */
  hasRoom(bytes: number): boolean {
    return bytes <= this.#owned || hasSpace(this.#parts.directory, bytes - this.#owned);
  }

  restart(): void {
    // What the file has of it now is as good as what it had before.
    this.#owned = Math.max(this.#owned, this.#written);
    this.#written = 0;
  }

  reopen(): void {
    this.#written = 0;
    this.#isOpen = true;
  }

  write(bytes: Uint8Array): void {
    const { descriptor, path } = this.#parts;
    try {
      for (let done = 0; done < bytes.length; ) {
        const written = writeSync(descriptor, bytes, done, bytes.length - done, this.#written);
        done += written;
        this.#written += written;
      }
    } catch (thrown) {
      const full = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC';
      if (!full) throw thrown;
      throw fail('LOAD_SCRATCH_FULL', { sizeBytes: this.#written + bytes.length, path }, thrown);
    }
  }

  finish(): void {
    if (this.#owned > this.#written) ftruncateSync(this.#parts.descriptor, this.#written);
    this.#owned = this.#written;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.finish();
    this.#parts.onClose(this);
  }

  remove(): void {
    closeSync(this.#parts.descriptor);
    if (this.#parts.name !== null) unlinkSync(this.#parts.name);
  }
}
