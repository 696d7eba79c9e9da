// Digests, ciphers and encodings. A VARCHAR is UTF-8 text here: what StarRocks gives as text of any bytes
// (aes_encrypt) is VARBINARY, and what does not decode as UTF-8 is NULL.
import { fail } from '../../base/errors.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const crypto = definer('scalar', 'crypto');

const HEX = "'([0-9a-fA-F][0-9a-fA-F])*'";

/** A constant format word of to_binary and from_binary; hex when it is not given. */
const binaryFormat = (site: CallSite, name: string): 'hex' | 'utf8' | 'encode64' => {
  const format = site.args[1];
  if (format === undefined) return 'hex';
  const word = format.kind === 'literal' ? (format.text ?? '').toLowerCase() : '';
  if (word === 'hex' || word === 'utf8' || word === 'encode64') return word;
  throw fail('SQL_ANALYZE', {
    detail: `the format of ${name} must be one of the constants 'hex', 'encode64', 'utf8'`,
  });
};

const toBinary = (site: CallSite): string => {
  const text = site.sql[0] ?? '';
  switch (binaryFormat(site, 'to_binary')) {
    case 'utf8':
      return `encode(${text})`;
    case 'encode64':
      return `TRY(from_base64(${text}))`;
    case 'hex':
      return `CASE WHEN regexp_full_match(${text}, ${HEX}) THEN unhex(${text}) END`;
  }
};

const fromBinary = (site: CallSite): string => {
  const bytes = site.sql[0] ?? '';
  switch (binaryFormat(site, 'from_binary')) {
    case 'utf8':
      return `TRY(decode(${bytes}))`;
    case 'encode64':
      return `to_base64(${bytes})`;
    case 'hex':
      return `hex(${bytes})`;
  }
};

const aes =
  (name: 'encrypt' | 'decrypt', isBytes: boolean) =>
  (site: CallSite): string => {
    const [data = '', key = '', vector, mode] = site.sql;
    const bytes = isBytes ? data : `encode(${data})`;
    const start = vector === undefined ? 'NULL' : `encode(${vector})`;
    const called = `mr_aes_${name}(${bytes}, encode(${key}), ${start}, ${mode ?? "'AES_128_ECB'"})`;
    return name === 'encrypt' ? called : `TRY(decode(${called}))`;
  };

const joinedDigest = (sql: readonly string[]): string => `md5(concat(${sql.join(', ')}))`;
/** The digest's 128 bits as a signed number: what is above the largest LARGEINT wraps to the negative ones. */
const digestNumber = (site: CallSite): string => {
  const digits = joinedDigest(site.sql);
  const half = (from: number): string =>
    `CAST('0x' || substring(${digits}, ${from}, 16) AS UBIGINT)`;
  const high = `CAST(${half(1)} AS HUGEINT)`;
  const signed = `CASE WHEN ${high} >= 9223372036854775808 THEN ${high} - 18446744073709551616 ELSE ${high} END`;
  return `((${signed}) * 18446744073709551616 + CAST(${half(17)} AS HUGEINT))`;
};

/** DuckDB has the length of 256 bits itself, at a tenth of the cost. */
const sha2 =
  (isBytes: boolean) =>
  (site: CallSite): string => {
    const [data = '', bits = ''] = site.sql;
    const length = site.args[1];
    if (length?.kind === 'literal' && (length.text === '256' || length.text === '0'))
      return `sha256(${data})`;
    return `mr_sha2(${isBytes ? data : `encode(${data})`}, ${bits})`;
  };

const own = { nulls: 'own' } as const;
const fromBase64 = 'TRY(decode(from_base64({0})))';
/** What is no hex is the empty text, as StarRocks' pages of unhex and hex_decode_string say. */
const unhexText = `CASE WHEN regexp_full_match({0}, ${HEX}) THEN TRY(decode(unhex({0}))) WHEN {0} IS NOT NULL THEN '' END`;

export const CRYPTO_FUNCTIONS: readonly FunctionEntry[] = [
  crypto(
    'md5',
    [
      ['(string) -> string', 'md5({0})'],
      ['(varbinary) -> string', 'md5({0})'],
    ],
    'MD5 digest in hex.',
    ["md5('abc')", '900150983cd24fb0d6963f7d28e17f72'],
  ),
  crypto(
    'md5sum',
    ['(string...) -> string', (s) => joinedDigest(s.sql)],
    'MD5 digest of all arguments joined; NULLs are left out.',
    ["md5sum('starrocks')", 'f75523a916caf65f1ad487a9f8017f75'],
    own,
  ),
  crypto(
    'md5sum_numeric',
    ['(string...) -> largeint', digestNumber],
    'The same digest as a number: its 128 bits, signed.',
    ["md5sum_numeric('starrocks', 'star')", '163436627872604162110984707546327199448'],
    own,
  ),
  crypto(
    'sha2',
    [
      ['(string, int) -> string', sha2(false)],
      ['(varbinary, int) -> string', sha2(true)],
    ],
    'SHA-2 digest in hex of 224, 256 (also 0), 384 or 512 bits; NULL for another length.',
    ["sha2('abc', 256)", 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ),
  crypto('sha1, sha', ['(string) -> string', 'sha1({0})'], 'SHA-1 digest in hex.', [
    "sha1('abc')",
    'a9993e364706816aba3e25717850c26c9cd0d89d',
  ]),
  crypto('sm3', ['(string) -> string', 'mr_sm3(encode({0}))'], 'SM3 digest in hex.', [
    "sm3('abc')",
    '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0',
  ]),
  crypto(
    'aes_encrypt',
    [
      ['(string, string, string?, string?) -> varbinary', aes('encrypt', false)],
      ['(varbinary, string, string?, string?) -> varbinary', aes('encrypt', true)],
    ],
    'AES: text, key, initialization vector, mode (AES_128_ECB when not given; AES_{128|192|256} with ECB, CBC, CFB, CFB1, CFB8, CFB128, OFB, CTR). The key is folded as in MySQL.',
    [
      "to_base64(aes_encrypt('starrocks', 'F3229A0B371ED2D9441B830D21A390C3'))",
      'uv/Lhzm74syo8JlfWarwKA==',
    ],
    own,
  ),
  crypto(
    'aes_decrypt',
    [['(varbinary, string, string?, string?) -> string', aes('decrypt', true)]],
    'AES undone; NULL when it was not encrypted with this key, or is no UTF-8 text.',
    [
      "aes_decrypt(base64_decode_binary('uv/Lhzm74syo8JlfWarwKA=='), 'F3229A0B371ED2D9441B830D21A390C3')",
      'starrocks',
    ],
    own,
  ),
  crypto(
    'hex',
    [
      ['(bigint) -> string', 'hex({0})'],
      ['(string) -> string', 'hex({0})'],
      ['(varbinary) -> string', 'hex({0})'],
    ],
    'A number, or the bytes of a text, in upper-case hex.',
    ["hex('az')", '617A'],
  ),
  crypto(
    'unhex, hex_decode_string',
    ['(string) -> string', unhexText],
    'Hex digits to text; empty when they are none, NULL when they are no UTF-8 text.',
    ["unhex('6170706C65')", 'apple'],
  ),
  crypto(
    'hex_decode_binary',
    [
      '(string) -> varbinary',
      `CASE WHEN regexp_full_match({0}, ${HEX}) THEN unhex({0}) WHEN {0} IS NOT NULL THEN unhex('') END`,
    ],
    'Hex digits to bytes; empty when they are none.',
    ["hex(hex_decode_binary(hex('Hello StarRocks')))", '48656C6C6F2053746172526F636B73'],
  ),
  crypto(
    'to_binary',
    ['(string, string?) -> varbinary', toBinary],
    'Text to bytes, read as hex (the default), utf8 or encode64.',
    ["hex(to_binary('616263'))", '616263'],
  ),
  crypto(
    'from_binary',
    ['(varbinary, string?) -> string', fromBinary],
    'Bytes to text, written as hex (the default), utf8 or encode64.',
    ["from_binary(to_binary('616263'), 'utf8')", 'abc'],
  ),
  crypto(
    'to_base64',
    [
      ['(string) -> string', 'to_base64(encode({0}))'],
      ['(varbinary) -> string', 'to_base64({0})'],
    ],
    'Base64 of a text or of bytes.',
    ["to_base64('starrocks')", 'c3RhcnJvY2tz'],
  ),
  crypto(
    'from_base64, base64_decode_string',
    ['(string) -> string', fromBase64],
    'Text of Base64; NULL when it is none, or no UTF-8 text.',
    ["from_base64('c3RhcnJvY2tz')", 'starrocks'],
  ),
  crypto(
    'base64_decode_binary',
    ['(string) -> varbinary', 'TRY(from_base64({0}))'],
    'Bytes of Base64; NULL when it is none.',
    ["hex(base64_decode_binary('YWJj'))", '616263'],
  ),
];
