// Digests, encodings and ids. What DuckDB has not got is JavaScript of the engine (mr_*).
import { fail } from '../../base/errors.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const hash = definer('scalar', 'hash');

const sha2 = (site: CallSite): string => {
  const bits = site.args[1];
  if (bits?.kind === 'literal' && (bits.text === '256' || bits.text === '0'))
    return `sha256(${site.sql[0]})`;
  throw fail('NOT_SUPPORTED', {
    what: 'sha2 with another length than 256',
    hint: 'use sha2(x, 256)',
  });
};

const HEX = "'([0-9a-fA-F][0-9a-fA-F])*'";

export const HASH_FUNCTIONS: readonly FunctionEntry[] = [
  hash('md5', ['(string) -> string', 'md5({0})'], 'MD5 digest in hex.', [
    "md5('abc')",
    '900150983cd24fb0d6963f7d28e17f72',
  ]),
  hash(
    'md5sum',
    ['(string...) -> string', (s) => `md5(concat(${s.sql.join(', ')}))`],
    'MD5 digest of all arguments joined; NULLs are left out.',
    ["md5sum('a', 'bc')", '900150983cd24fb0d6963f7d28e17f72'],
    { nulls: 'own' },
  ),
  hash(
    'sha2',
    ['(string, int) -> string', sha2],
    'SHA-2 digest in hex; the length must be 256 (or 0, which means 256).',
    ["sha2('abc', 256)", 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ),
  hash('sha1, sha', ['(string) -> string', 'sha1({0})'], 'SHA-1 digest in hex.', [
    "sha1('abc')",
    'a9993e364706816aba3e25717850c26c9cd0d89d',
  ]),
  hash(
    'hex',
    [
      ['(bigint) -> string', 'hex({0})'],
      ['(string) -> string', 'hex({0})'],
      ['(varbinary) -> string', 'hex({0})'],
    ],
    'A number, or the bytes of a text, in upper-case hex.',
    ["hex('az')", '617A'],
  ),
  hash(
    'unhex',
    [
      '(string) -> string',
      `CASE WHEN regexp_full_match({0}, ${HEX}) THEN TRY(decode(unhex({0}))) END`,
    ],
    'Hex digits to text; NULL when they are none.',
    ["unhex('617A')", 'az'],
  ),
  hash(
    'to_binary',
    [
      '(string, string?) -> varbinary',
      (s) => {
        const format = s.args[1]?.kind === 'literal' ? (s.args[1].text ?? '').toLowerCase() : 'hex';
        if (format === 'utf8') return `encode(${s.sql[0]})`;
        if (format === 'encode64') return `TRY(from_base64(${s.sql[0]}))`;
        return `CASE WHEN regexp_full_match(${s.sql[0]}, ${HEX}) THEN unhex(${s.sql[0]}) END`;
      },
    ],
    'Text to bytes, read as hex (the default), utf8 or encode64.',
    ["hex(to_binary('616263'))", '616263'],
  ),
  hash(
    'from_binary',
    [
      '(varbinary, string?) -> string',
      (s) => {
        const format = s.args[1]?.kind === 'literal' ? (s.args[1].text ?? '').toLowerCase() : 'hex';
        if (format === 'utf8') return `decode(${s.sql[0]})`;
        return format === 'encode64' ? `to_base64(${s.sql[0]})` : `hex(${s.sql[0]})`;
      },
    ],
    'Bytes to text, written as hex (the default), utf8 or encode64.',
    ["from_binary(to_binary('616263'), 'utf8')", 'abc'],
  ),
  hash(
    'to_base64, base64_encode_binary',
    ['(string) -> string', 'to_base64(encode({0}))'],
    'Base64 of a text.',
    ["to_base64('abc')", 'YWJj'],
  ),
  hash(
    'from_base64, base64_decode_string',
    ['(string) -> string', 'TRY(decode(from_base64({0})))'],
    'Text of Base64; NULL when it is none.',
    ["from_base64('YWJj')", 'abc'],
  ),
  hash(
    'murmur_hash3_32',
    [
      '(string...) -> int',
      (s) => `mr_murmur_hash3_32([${s.sql.map((text) => `encode(${text})`).join(', ')}])`,
    ],
    '32-bit Murmur3 hash.',
    ["murmur_hash3_32('hello', 'world')", '984713481'],
  ),
  hash('uuid', ['() -> string', 'CAST(uuid() AS VARCHAR)'], 'A random UUID.', null),
  hash(
    'uuid_numeric',
    [
      '() -> largeint',
      "CAST('0x' || left(replace(CAST(uuid() AS VARCHAR), '-', ''), 31) AS HUGEINT)",
    ],
    'A random number of 124 bits.',
    null,
  ),
];
