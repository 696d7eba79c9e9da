// Disk cache of whole objects: bytes-bounded LRU with pins and single flight. A file is either whole under
// its final name or not there. Must never evict what is pinned, nor grow past its bound for longer than
// a pinned overflow lasts.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { AppError, fail } from '../base/errors.ts';
import type { VolumeId } from '../base/ids.ts';

export interface CacheKey {
  /** The metadata's incarnation: files of another one never match. */
  readonly incarnation: string;
  readonly volumeId: VolumeId;
  readonly key: string;
}

/** A local path that stays until released. Release exactly once; a second time does nothing. */
export interface PinnedPath {
  readonly path: string;
  release(): void;
}

/** Puts the object's bytes into a local file that does not exist yet. */
export type Fetch = (localPath: string) => Promise<void>;

export interface CacheLoad {
  readonly bytes: number;
  readonly files: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  /** Removals and time stamps that the file system refused. */
  readonly failures: number;
}

interface Entry {
  readonly name: string;
  readonly sizeBytes: number;
  pins: number;
  /** An object that did not fit: removed as soon as nobody has it pinned. */
  readonly overflow: boolean;
}

export class LocalCache {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #inFlight = new Map<string, Promise<Entry>>();
  readonly #removing = new Map<string, Promise<void>>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #failures = 0;

  private constructor(directory: string, maxBytes: number, clock: Clock) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /**
   * Opens the cache in `directory` (made when missing), which belongs to this process alone. Unfinished
   * downloads are removed, whole files taken over, oldest first, down to `maxBytes`.
   */
  static async open(directory: string, maxBytes: number, clock: Clock): Promise<LocalCache> {
    const cache = new LocalCache(directory, maxBytes, clock);
    await mkdir(directory, { recursive: true });
    await cache.#rebuild();
    return cache;
  }

  /**
   * The object as a local file, fetched when it is not there; callers for one key share one download.
   * An object that does not fit beside what is pinned (or at all) is fetched just the same and removed
   * when its last pin goes. `sizeBytes` is checked: a mismatch throws OBJECT_SIZE_MISMATCH and keeps nothing.
   */
  async pin(key: CacheKey, sizeBytes: number, fetch: Fetch): Promise<PinnedPath> {
    const name = fileName(key, sizeBytes);
    for (let first = true; ; first = false) {
      const entry = this.#entries.get(name);
      if (entry !== undefined) {
        if (first) this.#hits += 1;
        entry.pins += 1;
        return this.#pinned(entry);
      }
      const running = this.#inFlight.get(name) ?? this.#removing.get(name);
      if (running === undefined)
        return this.#pinned(await this.#start(name, key, sizeBytes, fetch));
      // A failed download fails for everybody who waited for it.
      await running;
    }
  }

  load(): CacheLoad {
    return {
      bytes: this.#bytes,
      files: this.#entries.size,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      failures: this.#failures,
    };
  }

  async #start(name: string, key: CacheKey, sizeBytes: number, fetch: Fetch): Promise<Entry> {
    this.#misses += 1;
    const download = this.#download(name, key, sizeBytes, fetch);
    this.#inFlight.set(name, download);
    try {
      return await download;
    } finally {
      this.#inFlight.delete(name);
    }
  }

  /** Gives an entry that its caller has pinned. */
  async #download(name: string, key: CacheKey, sizeBytes: number, fetch: Fetch): Promise<Entry> {
    // Space is made before the bytes come, so that the disk is not asked for more than the bound.
    const fits = await this.#reserve(sizeBytes);
    const temporary = join(this.#directory, `${randomUUID()}.tmp`);
    try {
      await this.#fetch(fetch, temporary, sizeBytes);
      const actual = (await stat(temporary)).size;
      if (actual !== sizeBytes)
        throw fail('OBJECT_SIZE_MISMATCH', { key: key.key, actual, expected: sizeBytes });
      await rename(temporary, join(this.#directory, name));
    } catch (thrown) {
      this.#bytes -= sizeBytes;
      await rm(temporary, { force: true });
      throw thrown;
    }
    const entry: Entry = { name, sizeBytes, pins: 1, overflow: !fits };
    this.#entries.set(name, entry);
    return entry;
  }

  /**
   * The disk may have less room than the bound says: everything that nobody has pinned then goes, and it is tried
   * once more. Throws CACHE_DISK_FULL.
   */
  async #fetch(fetch: Fetch, temporary: string, sizeBytes: number): Promise<void> {
    try {
      await fetch(temporary);
    } catch (first) {
      if (!isDiskFull(first)) throw first;
      await rm(temporary, { force: true });
      for (const entry of [...this.#entries.values()]) {
        if (entry.pins > 0 || !this.#entries.has(entry.name)) continue;
        this.#evictions += 1;
        await this.#remove(entry);
      }
      try {
        await fetch(temporary);
      } catch (second) {
        if (!isDiskFull(second)) throw second;
        throw fail('CACHE_DISK_FULL', { path: this.#directory, sizeBytes }, second);
      }
    }
  }

  /** Counts `sizeBytes` in, after evicting what it takes; false when it does not fit all the same. */
  async #reserve(sizeBytes: number): Promise<boolean> {
    const mayFit = sizeBytes <= this.#maxBytes;
    if (mayFit)
      for (const entry of this.#entries.values()) {
        if (this.#bytes + sizeBytes <= this.#maxBytes) break;
        if (entry.pins > 0) continue;
        this.#evictions += 1;
        await this.#remove(entry);
      }
    this.#bytes += sizeBytes;
    return mayFit && this.#bytes <= this.#maxBytes;
  }

  async #remove(entry: Entry): Promise<void> {
    this.#entries.delete(entry.name);
    const removal = unlink(join(this.#directory, entry.name));
    this.#removing.set(entry.name, removal);
    try {
      await removal;
    } finally {
      this.#removing.delete(entry.name);
      this.#bytes -= entry.sizeBytes;
    }
  }

  #pinned(entry: Entry): PinnedPath {
    // To the end of the order: most recently used.
    this.#entries.delete(entry.name);
    this.#entries.set(entry.name, entry);
    const path = join(this.#directory, entry.name);
    let held = true;
    return {
      path,
      release: () => {
        if (!held) return;
        held = false;
        entry.pins -= 1;
        if (entry.pins > 0) return;
        if (entry.overflow) this.#removeLater(entry);
        else this.#touchLater(entry, path);
      },
    };
  }

  /** A file that cannot be removed is out of the index already; it is counted, and the next open sweeps it. */
  #removeLater(entry: Entry): void {
    this.#remove(entry).catch(() => {
      this.#failures += 1;
    });
  }

  /** The order of use survives a restart as the files' times; losing one costs nothing but order. */
  #touchLater(entry: Entry, path: string): void {
    const now = this.#clock.nowMs() / 1000;
    utimes(path, now, now).catch(() => {
      // Evicted meanwhile: there is nothing left to touch.
      if (this.#entries.get(entry.name) === entry) this.#failures += 1;
    });
  }

  async #rebuild(): Promise<void> {
    const found: { readonly entry: Entry; readonly usedMs: number }[] = [];
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const info = await stat(path);
      const sizeBytes = Number(/^[0-9a-f]{64}-(\d+)\.object$/.exec(name)?.[1] ?? Number.NaN);
      if (!info.isFile() || info.size !== sizeBytes) await rm(path, { recursive: true });
      else
        found.push({
          entry: { name, sizeBytes, pins: 0, overflow: false },
          usedMs: info.mtimeMs,
        });
    }
    found.sort((a, b) => a.usedMs - b.usedMs);
    for (const { entry } of found) {
      this.#entries.set(entry.name, entry);
      this.#bytes += entry.sizeBytes;
    }
    await this.#reserve(0);
  }
}

function isDiskFull(thrown: unknown): boolean {
  if (thrown instanceof AppError) return thrown.code === 'DISK_FULL';
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC';
}

/** The name carries a digest of the key and the size, so that a restart can check what it finds. */
function fileName(key: CacheKey, sizeBytes: number): string {
  const digest = createHash('sha256')
    .update(`${key.incarnation}\n${key.volumeId}\n${key.key}`)
    .digest('hex');
  return `${digest}-${sizeBytes}.object`;
}
