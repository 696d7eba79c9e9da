// Hashes that are no digests: for buckets, sketches and joins, not for secrets.
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const hash = definer('scalar', 'hash');

const encoded = (site: CallSite): string =>
  `[${site.sql.map((text) => `encode(${text})`).join(', ')}]`;

export const HASH_FUNCTIONS: readonly FunctionEntry[] = [
  hash(
    'murmur_hash3_32',
    ['(string...) -> int', (s) => `mr_murmur_hash3_32(${encoded(s)})`],
    '32-bit Murmur3 hash.',
    ["murmur_hash3_32('hello', 'world')", '984713481'],
  ),
  hash(
    'xx_hash3_64',
    ['(string...) -> bigint', (s) => `mr_xx_hash3_64(${encoded(s)})`],
    '64-bit XXH3 hash; each text is hashed with the hash before it as seed.',
    ["xx_hash3_64('hello', 'world')", '7001965798170371843'],
  ),
  hash(
    'xx_hash3_128',
    ['(string...) -> largeint', (s) => `CAST(mr_xx_hash3_128(${encoded(s)}) AS HUGEINT)`],
    '128-bit XXH3 hash of all texts joined.',
    ["xx_hash3_128('hello', 'world')", '-45235302294609689438180196264627189905'],
  ),
  hash('crc32', ['(string) -> bigint', 'mr_crc32(encode({0}))'], 'CRC-32 checksum.', [
    "crc32('starrocks')",
    '2312449062',
  ]),
];
