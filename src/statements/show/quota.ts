// Quotas of a database as lists show them. They are kept and shown; nothing is refused by them.
// SOURCE: StarRocks, SHOW DATA and SHOW PROC '/dbs': what none was set for has the largest number.
import type { DatabaseRecord } from '../../catalog/catalog.ts';
import { byteText } from './byte-text.ts';

const LARGEST = 2n ** 63n - 1n;

/** Bytes and replicas as text: what is allowed, and what is left after `used`. */
export interface QuotaTexts {
  readonly quota: readonly [bytes: string, replicas: string];
  readonly left: readonly [bytes: string, replicas: string];
}

export function quotaTexts(
  { properties }: Pick<DatabaseRecord, 'properties'>,
  used: { readonly bytes: number; readonly replicas: number },
): QuotaTexts {
  const bytes = BigInt(properties['data_quota'] ?? LARGEST);
  const replicas = BigInt(properties['replica_quota'] ?? LARGEST);
  const texts = (bytes: bigint, replicas: bigint) =>
    [byteText(Number(bytes)), String(replicas)] as const;
  return {
    quota: texts(bytes, replicas),
    left: texts(
      remaining(bytes, BigInt(Math.trunc(used.bytes))),
      remaining(replicas, BigInt(used.replicas)),
    ),
  };
}

const remaining = (allowed: bigint, used: bigint): bigint => (used < allowed ? allowed - used : 0n);
