// Data files at local paths for the query engine: files of local volumes below the allowed directory in
// place, everything else through the disk cache, pinned while a query reads.
import { join, sep } from 'node:path';
import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { Semaphore } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import type { FileResolver, PinnedFiles, StoredFile } from '../engine/plan-sources.ts';
import type { VolumeSpec } from '../model/table.ts';
import { LocalCache, type PinnedPath } from '../storage/local-cache.ts';
import { openStores } from './stores.ts';

export interface FileResolverOptions {
  readonly cacheDirectory: string;
  readonly maxBytes: number;
  readonly incarnation: string;
  /** Local volumes below this directory are read where they lie. */
  readonly inPlace: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Downloads at once, over all queries. */
const FETCHES_AT_ONCE = 8;

export async function openFileResolver(options: FileResolverOptions): Promise<FileResolver> {
  const { cacheDirectory, incarnation } = options;
  const cache = await LocalCache.open(
    join(cacheDirectory, 'objects'),
    options.maxBytes,
    options.clock,
  );
  const stores = openStores(options);
  const fetches = new Semaphore(FETCHES_AT_ONCE);
  const inPlace = `${options.inPlace}${sep}`;

  const pin = async (
    file: StoredFile,
    volume: VolumeSpec,
    signal: AbortSignal,
  ): Promise<PinnedPath> => {
    const store = await stores(volume);
    const path = store.localPath(file.key);
    if (path?.startsWith(inPlace)) return { path, release: () => undefined };
    return fetches.run(() => {
      signal.throwIfAborted();
      const key = { incarnation, volumeId: file.volumeId, key: file.key };
      return cache.pin(key, file.sizeBytes, (localPath) => store.getToFile(file.key, localPath));
    });
  };

  return async (files, volumes, signal): Promise<PinnedFiles> => {
    const byId = new Map(volumes.map((volume) => [volume.id, volume]));
    const settled = await Promise.allSettled(
      files.map((file) => pin(file, present(byId.get(file.volumeId), 'volume of a file'), signal)),
    );
    const pinned = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const release = (): void => {
      for (const entry of pinned) entry.release();
    };
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) {
      release();
      throw failed.reason;
    }
    return { paths: pinned.map((entry) => entry.path), release };
  };
}
