// Object stores of volumes for a process: one store per volume and parameter set, opened when first
// asked for.
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { VolumeSpec } from '../model/table.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openVolume } from '../storage/volume.ts';

export type StoreOpener = (volume: VolumeSpec) => Promise<ObjectStore>;

/** Stores by volume; a volume with changed parameters gets a new one. */
export function openStores(options: { clock: Clock; random: Random }): StoreOpener {
  const open = new Map<string, Promise<ObjectStore>>();
  return (volume) => {
    const key = JSON.stringify([volume.type, volume.location, volume.params]);
    const known = open.get(key);
    if (known !== undefined) return known;
    const store = openVolume(volume, options);
    open.set(key, store);
    return store;
  };
}
