// Where StarRocks' answer is not MySQL's, and why. Everything else that differs is a mistake of ours.
// `pages` are StarRocks' documentation pages of the functions, `types` its page of data types and CAST.
import type { Compared } from './compare.ts';

export interface Difference {
  /** Name of the cases it is about. */
  readonly name: string;
  readonly why: string;
  readonly source: string;
  /** A case's form and values for its places: asked in every run, so that no row outlives its difference. */
  readonly example: readonly [form: string, values: Readonly<Record<string, string>>];
  /** True for the answers that it explains, and only for those. */
  readonly explains: (found: Compared) => boolean;
}

const isNot = (value: string | null): boolean => value === null;
const hasReplacement = (text: string | null): boolean => text?.includes('\ufffd') === true;
const year = (text: string | null | undefined): number => Number(/(\d{4})-/.exec(text ?? '')?.[1]);
/** Days that do not exist, among the values of dates as texts. */
const INVALID_DAY = /'(2020-02-30|2019-02-29|garbage|')/;
const MYSQL_LONGEST_TIME = /^-?838:59:59/;

const NUMBERS: readonly Difference[] = [
  {
    name: 'round',
    why: 'a DOUBLE is rounded half away from zero, MariaDB rounds it half to even',
    source: 'pages: round',
    example: ['round({f})', { f: '2.5e0' }],
    explains: ({ sql, millrace, mariadb }) =>
      /\.5e0/.test(sql) && Math.abs(Number(millrace) - Number(mariadb)) === 1,
  },
  ...(
    [
      ['power', 'power({a}, {a2})', { a: '-1e0', a2: '0.5e0' }],
      ['pow', 'pow({f}, {n})', { f: '0e0', n: '-10' }],
      ['cot', 'cot({a})', { a: '0e0' }],
    ] as const
  ).map(([name, form, values]) => ({
    name,
    why: 'what is no number is NULL, MariaDB refuses it',
    source: 'pages: pow, cot',
    example: [form, values] as const,
    explains: ({ millrace, mariadb }: Compared) =>
      isNot(millrace) && /out of range/.test(mariadb ?? '') === true,
  })),
  {
    name: 'floor',
    why: 'a BIGINT: what is larger is NULL',
    source: 'pages: floor',
    example: ['floor({num})', { num: "'99999999999999999999'" }],
    explains: ({ millrace, mariadb }) => isNot(millrace) && Math.abs(Number(mariadb)) >= 2 ** 63,
  },
  {
    name: 'pi',
    why: 'MySQL shows six digits of it',
    source: 'pages: pi',
    example: ['pi()', {}],
    explains: ({ mariadb }) => mariadb === '3.141593',
  },
  {
    name: '<<',
    why: 'a shift stays inside the type of its left operand, MySQL computes in 64 bits',
    source: 'pages: bit_shift_left, with the same type on both sides',
    example: ['{k} << {u}', { k: '5', u: '6' }],
    explains: ({ millrace, mariadb }) =>
      BigInt.asIntN(8, BigInt(mariadb ?? 0)) === BigInt(millrace ?? 0),
  },
  {
    name: 'precedence',
    why: 'integers are signed, MySQL shows bit results as unsigned',
    source: 'types: BIGINT',
    example: ['- {k} ^ 2', { k: '5' }],
    explains: ({ millrace, mariadb }) =>
      Number(millrace) < 0 && BigInt(millrace ?? 0) === BigInt.asIntN(64, BigInt(mariadb ?? 0)),
  },
];

const STRINGS: readonly Difference[] = [
  {
    name: 'unhex',
    why: 'what is no hex is the empty text; bytes that are no UTF-8 are NULL here (a VARCHAR is text)',
    source: 'pages: unhex',
    example: ['unhex({hex})', { hex: "'00FF'" }],
    explains: ({ values, millrace, mariadb }) =>
      /'(123|zz)'/.test(values['hex'] ?? '')
        ? millrace === ''
        : isNot(millrace) && hasReplacement(mariadb),
  },
  ...['lpad', 'rpad'].map((name) => ({
    name,
    why: 'an empty pad leaves the text as it is, MySQL gives NULL',
    source: 'pages: lpad, rpad',
    example: [`${name}({s}, {n}, {w})`, { s: "'abc'", n: '7', w: "''" }] as const,
    explains: ({ values, millrace, mariadb }: Compared) =>
      values['w'] === "''" && millrace !== null && isNot(mariadb),
  })),
  {
    name: 'upper',
    why: 'the sharp s has a capital letter in Unicode, MySQL has none for it',
    source: 'Unicode 5.1: U+1E9E',
    example: ['ucase({s})', { s: "'ÄÖÜß'" }],
    explains: ({ sql, millrace, mariadb }) =>
      sql.includes('ß') && millrace === mariadb?.replace('ß', 'ẞ'),
  },
  {
    name: 'locate',
    why: 'the position of an empty text is counted in characters, MariaDB gives it in bytes',
    source: 'pages: locate',
    example: ['locate({w}, {s}, {n})', { w: "''", s: "'日本語テキスト'", n: '3' }],
    explains: ({ values, millrace }) => values['w'] === "''" && millrace === values['n'],
  },
  {
    name: 'replace',
    why: 'a NULL argument gives NULL, MariaDB does not look at the third when nothing is found',
    source: 'pages: replace',
    example: ['replace({s}, {w}, {w2})', { s: "'abc'", w: "'zz'", w2: 'NULL' }],
    explains: ({ values, millrace }) => values['w2'] === 'NULL' && isNot(millrace),
  },
  {
    name: 'from_base64',
    why: 'bytes that are no UTF-8 are NULL here (base64_decode_binary gives them)',
    source: 'pages: base64_decode_binary',
    example: ['from_base64({s})', { s: "'xxxx'" }],
    explains: ({ millrace, mariadb }) => isNot(millrace) && hasReplacement(mariadb),
  },
];

const TEXTS_OF_NUMBERS: readonly Difference[] = (
  [
    ['concat', 'concat({f})'],
    ['cast', 'CAST({f} AS CHAR)'],
  ] as const
).map(([name, form]) => ({
  name,
  why: 'a DOUBLE below 0.0001 is shown with an exponent, MySQL shows zeros down to 1e-15',
  source: 'types: DOUBLE',
  example: [form, { f: '-1e-7' }],
  explains: ({ millrace, mariadb }) =>
    /\de-\d\d/.test(millrace ?? '') && /0\.0000/.test(mariadb ?? ''),
}));

const DATES: readonly Difference[] = [
  ...['week', 'yearweek'].map((name) => ({
    name,
    why: 'a NULL mode gives NULL, MariaDB takes it as 0',
    source: 'pages: week, yearweek',
    example: [`${name}({d}, {u})`, { d: "DATE '2021-10-31'", u: 'NULL' }] as const,
    explains: ({ values, millrace }: Compared) => values['u'] === 'NULL' && isNot(millrace),
  })),
  {
    name: 'makedate',
    why: 'years are taken as they are, MySQL makes 2000 to 2069 of 0 to 69',
    source: 'pages: makedate (0 to 9999)',
    example: ['makedate({u}, {k})', { u: '7', k: '5' }],
    explains: ({ values, millrace, mariadb }) =>
      values['u'] !== undefined && millrace === mariadb?.replace(/^20/, '00'),
  },
  {
    name: 'timediff',
    why: 'lengths are not cut at 838 hours, and fractions of a second are left out',
    source: 'pages: timediff',
    example: [
      'timediff({t}, {t2})',
      { t: "CAST('2020-01-01' AS DATETIME)", t2: "CAST('2000-01-01' AS DATETIME)" },
    ],
    explains: ({ millrace, mariadb }) =>
      MYSQL_LONGEST_TIME.test(mariadb ?? '') || millrace === mariadb?.replace(/\.\d+$/, ''),
  },
  {
    name: 'sec_to_time',
    why: 'lengths are not cut at 838 hours',
    source: 'pages: sec_to_time (BIGINT)',
    example: ['sec_to_time({i})', { i: '4294967296' }],
    explains: ({ mariadb }) => MYSQL_LONGEST_TIME.test(mariadb ?? ''),
  },
  {
    name: 'time_to_sec',
    why: 'a time is HH:MM:SS, MySQL takes HH:MM too',
    source: 'pages: time_to_sec',
    example: ['time_to_sec({clock})', { clock: "'12:34'" }],
    explains: ({ values, millrace }) => values['clock'] === "'12:34'" && isNot(millrace),
  },
  {
    name: 'str_to_date',
    why: 'what is no real day is NULL, MySQL takes days up to 31, and zeros, without its strict mode',
    source: 'pages: str_to_date',
    example: ["str_to_date({ds}, '%Y-%m-%d')", { ds: "'2020-02-30'" }],
    explains: ({ sql, millrace }) => INVALID_DAY.test(sql) && isNot(millrace),
  },
  ...(
    [
      ['=', '{d}'],
      ['<', '{t}'],
    ] as const
  ).map(([name, date]) => ({
    name,
    why: 'a text that is no date is NULL beside a date, MySQL compares something else',
    source: 'types: CAST of a string to DATE',
    example: [
      `${date} ${name} {ds}`,
      { d: "DATE '2020-01-01'", t: "DATE '2020-01-01'", ds: "'2020-02-30'" },
    ] as const,
    explains: ({ sql, millrace }: Compared) => INVALID_DAY.test(sql) && isNot(millrace),
  })),
  {
    name: 'unix_timestamp',
    why: 'a BIGINT, 0 before 1970, up to the year 9999; MySQL keeps fractions, gives NULL before and ends in 2038',
    source: 'pages: unix_timestamp',
    example: ['unix_timestamp({d})', { d: "DATE '1900-03-01'" }],
    explains: ({ sql, millrace, mariadb }) =>
      (isNot(mariadb) && (year(sql) >= 2038 || (year(sql) < 1970 && millrace === '0'))) ||
      millrace === mariadb?.replace(/\.\d+$/, ''),
  },
  {
    name: 'from_unixtime',
    why: 'seconds up to 253402243199, MySQL ends at 2^32',
    source: 'pages: from_unixtime',
    example: ['from_unixtime({i})', { i: '4294967296' }],
    explains: ({ values, mariadb }) => isNot(mariadb) && Number(values['i']) >= 2 ** 32,
  },
  {
    name: 'convert_tz',
    why: 'every year is converted, MySQL leaves what is outside 1970 to 2038 as it is',
    source: 'pages: convert_tz',
    example: ["convert_tz({t}, 'UTC', '+08:00')", { t: "CAST('9998-12-31 01:02:03' AS DATETIME)" }],
    explains: ({ sql, mariadb }) => {
      const given = /'([^']+)'/.exec(sql)?.[1] ?? '';
      const isOutside = year(given) >= 2038 || year(given) <= 1970;
      return isOutside && mariadb?.startsWith(given) === true;
    },
  },
];

const CASTS: readonly Difference[] = [
  {
    name: 'cast',
    why: 'a fraction is cut on the way to an integer, MySQL rounds it',
    source: 'types: CAST of DOUBLE and DECIMAL',
    example: ['CAST({x} AS BIGINT)', { x: '1.5' }],
    explains: ({ sql, millrace, mariadb }) =>
      /AS BIGINT/.test(sql) && Math.abs(Number(millrace) - Number(mariadb)) === 1,
  },
  {
    name: 'cast',
    why: 'a text that is no whole number, or too large, is NULL; MySQL takes its beginning, or the largest',
    source: 'types: CAST of a string',
    example: ['CAST({num} AS BIGINT)', { num: "'3.7'" }],
    explains: ({ values, millrace }) => values['num'] !== undefined && isNot(millrace),
  },
];

export const DIFFERENCES: readonly Difference[] = [
  ...NUMBERS,
  ...TEXTS_OF_NUMBERS,
  ...STRINGS,
  ...DATES,
  ...CASTS,
];
