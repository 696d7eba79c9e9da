// Storage volumes -> object stores: driver by type, rooted at the location's prefix, with retries; and the
// access check of CREATE STORAGE VOLUME. The only place that reads credentials from a VolumeSpec.
import type { Clock } from '../base/clock.ts';
import { AppError, fail } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { VolumeSpec } from '../model/table.ts';
import { LocalStore } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';
import { RetryStore } from './retry.ts';
import { parseLocation } from './volume-location.ts';

export interface OpenVolumeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Longest time of one call to a remote store. Default 30 s. */
  readonly timeoutMs?: number;
  /** Calls in all for a passing failure. Default 4 (waits of about 0.1, 0.2, 0.4 s between). */
  readonly attempts?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_ATTEMPTS = 4;
const FIRST_DELAY_MS = 150;
const MAX_DELAY_MS = 5_000;

/**
 * Removes what crashed writes left in a volume's place for unfinished ones. Only while nobody writes to
 * it. Throws storage errors; does nothing for stores without such a place.
 */
export async function cleanUnfinishedWrites(spec: VolumeSpec): Promise<void> {
  const location = parseLocation(spec.type, spec.location);
  if (location.kind !== 'local') return;
  await new LocalStore({ root: location.directory, where: placeName(spec) }).cleanUnfinished();
}

/**
 * The store of a volume. Does not touch it: a wrong secret shows at the first call (or in checkVolume).
 * Throws STORAGE_LOCATION or NOT_SUPPORTED for locations that no driver takes.
 */
export async function openVolume(
  spec: VolumeSpec,
  options: OpenVolumeOptions,
): Promise<ObjectStore> {
  const location = parseLocation(spec.type, spec.location);
  const where = placeName(spec);
  if (location.kind === 'local') return new LocalStore({ root: location.directory, where });
  // Loaded when a volume needs it: the SDK costs each process about 30 MB.
  const { S3Store } = await import('./s3-store.ts');
  const params = spec.params;
  const accessKeyId = params['aws.s3.access_key'] ?? '';
  const endpoint = params['aws.s3.endpoint'] ?? '';
  const store = new S3Store({
    bucket: location.bucket,
    prefix: location.prefix,
    endpoint,
    region: params['aws.s3.region'] ?? '',
    credentials:
      accessKeyId === ''
        ? null
        : { accessKeyId, secretAccessKey: params['aws.s3.secret_key'] ?? '' },
    pathStyle: (params['aws.s3.enable_path_style_access'] ?? String(endpoint !== '')) === 'true',
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    where,
    clock: options.clock,
  });
  return new RetryStore(store, {
    attempts: options.attempts ?? DEFAULT_ATTEMPTS,
    firstDelayMs: FIRST_DELAY_MS,
    maxDelayMs: MAX_DELAY_MS,
    clock: options.clock,
    random: options.random,
  });
}

/** How a volume is called in messages: its location, and the endpoint where there is one. */
function placeName(spec: VolumeSpec): string {
  const endpoint = spec.params['aws.s3.endpoint'] ?? '';
  return endpoint === '' ? spec.location : `${spec.location} at ${endpoint}`;
}

/** Longest time of the whole check's single calls: a person waits for it. */
const CHECK_TIMEOUT_MS = 10_000;

/**
 * Writes a small object, reads it back, checks that conditional writes are honoured, and deletes it.
 * Throws STORAGE_ACCESS with the step that failed and why; leaves nothing behind when it passes.
 */
export async function checkVolume(spec: VolumeSpec, options: OpenVolumeOptions): Promise<void> {
  const store = await openVolume(spec, { timeoutMs: CHECK_TIMEOUT_MS, attempts: 2, ...options });
  const where = placeName(spec);
  const key = `millrace-access-check-${options.random.uuid()}`;
  const body = Buffer.from(`written by CREATE STORAGE VOLUME to check access, ${key}\n`);
  await checkStep('write', where, () => store.put(key, body));
  try {
    await checkStep('read', where, async () => {
      const read = await store.get(key);
      if (!read.equals(body)) throw different('what was read differs from what was written', where);
    });
    await checkStep('conditional write', where, async () => {
      // Another body: after a lost answer the store would take an equal one for its own.
      if (await store.putIfAbsent(key, Buffer.from('second writer\n')))
        throw different('If-None-Match is ignored: an existing object was written again', where);
    });
  } catch (thrown) {
    // The first failure is the one to tell; the probe is small if it stays.
    await store.delete([key]).catch(() => undefined);
    throw thrown;
  }
  await checkStep('delete', where, async () => {
    await store.delete([key]);
    if ((await store.head(key)) !== null) throw different('the object is still there', where);
  });
}

function different(detail: string, where: string): AppError {
  const hint = 'use a store with the guarantees of Amazon S3';
  return fail('STORAGE_ACCESS', { where, step: 'check', detail, hint });
}

async function checkStep(step: string, where: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = thrown instanceof AppError ? thrown : null;
    const detail = String(
      error?.fields['detail'] ?? (thrown instanceof Error ? thrown.message : thrown),
    );
    const hint = String(error?.fields['hint'] ?? 'check endpoint, bucket, keys and rights');
    throw fail('STORAGE_ACCESS', { where, step, detail, hint }, thrown);
  }
}
