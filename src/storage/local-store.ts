// Object store in a local directory: keys are relative paths. Every write is temp file + fsync + rename
// (or link(2) for put-if-absent) + fsync of the directory, so a crash leaves all of an object or nothing.
import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { AppError, fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';

/** Folder of unfinished writes, below the root; no object key may begin with it. Swept by `cleanUnfinished`. */
const UNFINISHED = '.unfinished';
/** Longest key in bytes; a path part may have at most 255. */
const MAX_KEY_BYTES = 1024;

export interface LocalStoreOptions {
  /** Absolute directory; must exist (checkVolume says so clearly when it does not). */
  readonly root: string;
  /** Name for messages, such as the volume's location. */
  readonly where: string;
}

export class LocalStore implements ObjectStore {
  readonly #root: string;
  readonly #where: string;

  constructor(options: LocalStoreOptions) {
    this.#root = options.root;
    this.#where = options.where;
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#step('write', key, async (path) => {
      const temporary = await this.#writeTemporary(body);
      await this.#publish(temporary, path, rename);
    });
  }

  async putFile(key: string, localPath: string): Promise<void> {
    await this.#step('write', key, async (path) => {
      failpoint('store.before-sync');
      await syncPath(localPath);
      failpoint('store.before-name');
      if (localPath === path) {
        // Written in its place by somebody else, who may have made the folders too.
        for (let folder = dirname(path); folder.length >= this.#root.length; ) {
          await syncPath(folder);
          folder = dirname(folder);
        }
        return;
      }
      await this.#makeParents(path);
      try {
        await rename(localPath, path);
      } catch (thrown) {
        if (codeOf(thrown) !== 'EXDEV') throw thrown;
        // Another file system: copy beside the target first, then move.
        const temporary = await this.#temporaryPath();
        await copyFile(localPath, temporary, constants.COPYFILE_EXCL);
        await syncPath(temporary);
        await rename(temporary, path);
        await unlink(localPath);
      }
      await syncPath(dirname(path));
    });
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    return this.#step('write', key, async (path) => {
      const temporary = await this.#writeTemporary(body);
      try {
        // link(2) fails when the name exists: exactly one of many racers gets it, with all its bytes.
        await this.#publish(temporary, path, link);
        return true;
      } catch (thrown) {
        if (codeOf(thrown) !== 'EEXIST') throw thrown;
        return false;
      } finally {
        await unlinkIfThere(temporary);
      }
    });
  }

  async get(
    key: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Buffer> {
    return this.#step('read', key, async (path) => {
      await using handle = await open(path, 'r');
      if (range === undefined) return await handle.readFile();
      const { size } = await handle.stat();
      const length = Math.max(0, Math.min(range.end, size) - range.start);
      const bytes = Buffer.alloc(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, range.start + done);
        if (bytesRead === 0) throw this.#wrongSize(key, done, length);
        done += bytesRead;
      }
      return bytes;
    });
  }

  async getToFile(key: string, localPath: string): Promise<void> {
    await this.#step('read', key, async (path) => {
      const expected = (await stat(path)).size;
      await copyFile(path, localPath, constants.COPYFILE_EXCL);
      const actual = (await stat(localPath)).size;
      if (actual !== expected) throw this.#wrongSize(key, actual, expected);
    });
  }

  async head(key: string): Promise<ObjectInfo | null> {
    return this.#step('look up', key, async (path) => {
      try {
        const found = await stat(path);
        return found.isFile() ? infoOf(key, found.size, found.mtimeMs) : null;
      } catch (thrown) {
        if (isMissing(thrown)) return null;
        throw thrown;
      }
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    const parents = new Set<string>();
    for (const key of keys)
      await this.#step('delete', key, async (path) => {
        if (await unlinkIfThere(path)) parents.add(dirname(path));
      });
    for (const parent of parents) await this.#guard('delete', parent, () => syncPath(parent));
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    // The prefix may end within a name: walk its folder and compare whole keys.
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (folder.split('/').includes('..')) return;
    yield* this.#walk(folder, prefix);
  }

  localPath(key: string): string {
    return this.#pathOf(key);
  }

  /** Removes what crashed writes left behind. Only when no other process writes to this root. */
  async cleanUnfinished(): Promise<void> {
    const folder = join(this.#root, UNFINISHED);
    for (const entry of await entriesOf(folder)) await unlinkIfThere(join(folder, entry.name));
  }

  async *#walk(folder: string, prefix: string): AsyncIterable<ObjectInfo> {
    const entries = await this.#guard('list', folder, () => entriesOf(join(this.#root, folder)));
    const names = entries
      .filter((entry) => !(folder === '' && entry.name === UNFINISHED))
      .map((entry) => ({ entry, sortKey: entry.isDirectory() ? `${entry.name}/` : entry.name }))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.sortKey), Buffer.from(b.sortKey)));
    for (const { entry, sortKey } of names) {
      const key = folder + sortKey;
      if (entry.isDirectory()) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) yield* this.#walk(key, prefix);
      } else if (key.startsWith(prefix)) {
        const info = await this.head(key);
        // Gone since the folder was read.
        if (info !== null) yield info;
      }
    }
  }

  async #writeTemporary(body: Uint8Array): Promise<string> {
    const path = await this.#temporaryPath();
    await using handle: FileHandle = await open(path, 'wx');
    await handle.writeFile(body);
    await handle.sync();
    return path;
  }

  async #temporaryPath(): Promise<string> {
    const folder = join(this.#root, UNFINISHED);
    await mkdir(folder).catch((thrown: unknown) => {
      // The root itself is never made here: a volume on a disk that is not mounted must fail.
      if (codeOf(thrown) !== 'EEXIST') throw thrown;
    });
    return join(folder, randomUUID());
  }

  async #publish(
    temporary: string,
    path: string,
    move: (from: string, to: string) => Promise<void>,
  ): Promise<void> {
    await this.#makeParents(path);
    await move(temporary, path);
    await syncPath(dirname(path));
  }

  #makeParents(path: string): Promise<void> {
    return makeFolders(dirname(path), this.#root);
  }

  #pathOf(key: string): string {
    const parts = key.split('/');
    const bad =
      key === '' ||
      Buffer.byteLength(key) > MAX_KEY_BYTES ||
      key.includes('\0') ||
      parts.some((part) => part === '' || part === '.' || part === '..') ||
      parts[0] === UNFINISHED;
    if (bad) throw fail('INTERNAL', { detail: `bad object key '${key}'` });
    return join(this.#root, parts.join(sep));
  }

  #step<T>(step: string, key: string, work: (path: string) => Promise<T>): Promise<T> {
    return this.#guard(step, key, () => work(this.#pathOf(key)));
  }

  async #guard<T>(step: string, key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      if (isMissing(thrown) && step === 'read')
        throw fail('OBJECT_NOT_FOUND', { key, where: this.#where }, thrown);
      throw localError(thrown, step, this.#where);
    }
  }

  #wrongSize(key: string, actual: number, expected: number): AppError {
    return fail('OBJECT_SIZE_MISMATCH', { key, actual, expected });
  }
}

/**
 * Makes a folder below `root` with those above it, each name durable. Never the root itself: a volume
 * on a disk that is not mounted must fail and not fill the disk below it. Throws ENOENT then.
 */
export async function makeFolders(folder: string, root: string): Promise<void> {
  const make = async (): Promise<void> => {
    await mkdir(folder);
    await syncPath(dirname(folder));
  };
  if (folder.length <= root.length) return;
  try {
    await make();
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return;
    const parent = dirname(folder);
    if (codeOf(thrown) !== 'ENOENT' || parent.length <= root.length) throw thrown;
    await makeFolders(parent, root);
    await make().catch((again: unknown) => {
      // Another writer was faster.
      if (codeOf(again) !== 'EEXIST') throw again;
    });
  }
}

/** A file system error as an AppError that says what a person can do. */
export function localError(thrown: unknown, step: string, where: string): AppError {
  const code = codeOf(thrown);
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  const access = (text: string, hint: string): AppError =>
    fail('STORAGE_ACCESS', { where, step, detail: text, hint }, thrown);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return fail('DISK_FULL', { path: where }, thrown);
    case 'EACCES':
    case 'EPERM':
      return access('permission denied', 'let the user that runs millrace read and write there');
    case 'EROFS':
      return access(
        'the file system is read only',
        'mount it for writing, or choose another location',
      );
    case 'ENOENT':
      return access('no such directory', 'create the directory, or correct the location');
    case 'ENOTDIR':
      return access('a part of the path is not a directory', 'correct the location');
    case 'EEXIST':
      return fail('INTERNAL', { detail }, thrown);
    case 'ENAMETOOLONG':
      return access('the name is too long', 'use shorter database, table or directory names');
    default:
      return fail('STORAGE_UNAVAILABLE', { where, step, detail }, thrown);
  }
}

function infoOf(key: string, sizeBytes: number, lastModifiedMs: number): ObjectInfo {
  return { key, sizeBytes, lastModifiedMs };
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}

function isMissing(thrown: unknown): boolean {
  return codeOf(thrown) === 'ENOENT' || codeOf(thrown) === 'ENOTDIR';
}

async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}
