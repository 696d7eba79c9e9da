// A location in an object store belongs to one metadata: a marker object says to which. Without it a
// second metadata on the same prefix would sweep away the first one's files.
import { fail } from '../base/errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Key of the marker, below the volume's location. */
export const INCARNATION_KEY = '_millrace/incarnation.json';

/**
 * Claims the location for this metadata; repeating it is fine. For volume creation and for the first
 * load into a volume. Throws VOLUME_TAKEN when another metadata has it.
 */
export async function claimLocation(
  store: ObjectStore,
  volumeName: string,
  incarnation: string,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify({ format: 1, incarnation })}\n`);
  if (await store.putIfAbsent(INCARNATION_KEY, body)) return;
  await checkLocation(store, volumeName, incarnation);
}

/** Throws VOLUME_TAKEN when the marker is another's, missing or unreadable: then nothing may be deleted there. */
export async function checkLocation(
  store: ObjectStore,
  volumeName: string,
  incarnation: string,
): Promise<void> {
  const found =
    (await store.head(INCARNATION_KEY)) === null ? 'no marker' : await readMarker(store);
  if (found === incarnation) return;
  throw fail('VOLUME_TAKEN', { volume: volumeName, found, expected: incarnation });
}

async function readMarker(store: ObjectStore): Promise<string> {
  const text = (await store.get(INCARNATION_KEY)).toString('utf8');
  const match = /"incarnation":\s*"([0-9a-f-]{36})"/.exec(text);
  return match?.[1] ?? 'an unreadable marker';
}
