// Volumes as statements need them: the access check and the marker that says whose the location is.
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { claimLocation } from '../commit/incarnation.ts';
import type { VolumeAccess } from '../statements/types.ts';
import { checkVolume } from '../storage/volume.ts';
import type { StoreOpener } from './stores.ts';

export function openVolumeAccess(options: {
  readonly incarnation: string;
  readonly stores: StoreOpener;
  readonly clock: Clock;
  readonly random: Random;
}): VolumeAccess {
  const { stores, incarnation, clock, random } = options;
  return {
    check: (volume) => checkVolume(volume, { clock, random }),
    claim: async (volume) => claimLocation(await stores(volume), volume.name, incarnation),
  };
}
