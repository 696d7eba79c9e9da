// Files of volumes at local paths, for a process without a disk cache: in place where the volume is local, else
// copied for as long as they are needed.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../../base/assert.ts';
import type { Random } from '../../base/random.ts';
import type { FileResolver } from '../../engine/plan-sources.ts';
import type { VolumeSpec } from '../../model/table.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

export interface FetchServices {
  readonly openStore: (volume: VolumeSpec) => ObjectStore | Promise<ObjectStore>;
  readonly random: Random;
  /** Private directory of the process. */
  readonly tempDirectory: string;
}

/** Throws storage errors. */
export function fetchedFiles({ openStore, random, tempDirectory }: FetchServices): FileResolver {
  return async (files, volumes, signal) => {
    const copies: string[] = [];
    const release = (): void => {
      // Nobody waits for it; what is left goes at the next start.
      for (const path of copies) void rm(path, { force: true }).catch(() => undefined);
    };
    try {
      const paths: string[] = [];
      for (const file of files) {
        signal.throwIfAborted();
        const volume = present(
          volumes.find(({ id }) => id === file.volumeId),
          `volume ${file.volumeId} of a file`,
        );
        const store = await openStore(volume);
        const inPlace = store.localPath(file.key);
        if (inPlace === null) {
          await mkdir(tempDirectory, { recursive: true });
          const copy = join(tempDirectory, `fetched-${random.uuid()}.parquet`);
          copies.push(copy);
          await store.getToFile(file.key, copy);
          paths.push(copy);
        } else paths.push(inPlace);
      }
      return { paths, release };
    } catch (error) {
      release();
      throw error;
    }
  };
}
