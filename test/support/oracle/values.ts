// Values of the comparison with MariaDB: a pool per kind, at the edges of each type, drawn by a seeded
// generator. The texts mean the same in both servers' SQL unless a value says otherwise.

/** One value as each side writes it. */
export interface OracleValue {
  readonly millrace: string;
  readonly mariadb: string;
}

export type ValueKind =
  | 's'
  | 'w'
  | 'p'
  | 'num'
  | 'n'
  | 'u'
  | 'i'
  | 'k'
  | 'f'
  | 'a'
  | 'x'
  | 'd'
  | 't'
  | 'ds'
  | 'b'
  | 'hex'
  | 'clock'
  | 'ip'
  | 'edge'
  | 'epoch';

const plain = (text: string): OracleValue => ({ millrace: text, mariadb: text });
const text = (value: string): OracleValue =>
  plain(`'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);
const date = (value: string): OracleValue => plain(`DATE '${value}'`);
const datetime = (value: string): OracleValue => ({
  millrace: `CAST('${value}' AS DATETIME)`,
  mariadb: `TIMESTAMP '${value}'`,
});

const DATES = [
  '1970-01-01',
  '1999-12-31',
  '2000-01-01',
  '2000-02-29',
  '2007-01-01',
  '2008-02-29',
  '2012-12-30',
  '2016-01-03',
  '2019-12-31',
  '2020-01-01',
  '2020-02-29',
  '2020-03-31',
  '2021-01-03',
  '2021-10-31',
  '2022-11-30',
  '2023-06-15',
  '2024-12-29',
  '2024-12-30',
  '1900-03-01',
  '1000-01-01',
  '9998-12-31',
  '2038-01-19',
];
const CLOCKS = [
  '00:00:00',
  '23:59:59',
  '12:00:00',
  '12:34:56',
  '00:00:01',
  '11:59:59',
  '01:02:03',
  '13:05:09',
  '00:30:00',
  '23:00:00.000001',
  '08:09:10.123456',
];
const WORDS = [
  'a',
  'A',
  'abc',
  'ABC',
  'aBcAbC',
  ' padded ',
  'hello world',
  'héllo wörld',
  '日本語テキスト',
  'ÄÖÜß',
  '😀smile😀',
  'a,b,c',
  'a.b.c.d',
  'aaa',
  'foo_bar',
  '100%',
  "it's",
  'tab\there',
  'The Quick Brown Fox',
];
const NUMBER_TEXTS = [
  '0',
  '1',
  '-1',
  '42',
  '007',
  '+5',
  '3.7',
  '-2.5',
  '1e3',
  '123456789012',
  '0.1',
  '99999999999999999999',
];
/** Clocks around the changes of summer time in Europe, America, Australia, Iran, and between them. */
const EDGES = [
  '2021-03-28 01:59:59',
  '2021-03-28 02:00:00',
  '2021-03-28 02:30:00',
  '2021-03-28 03:00:00',
  '2021-10-31 01:59:59',
  '2021-10-31 02:00:00',
  '2021-10-31 02:30:00',
  '2021-10-31 03:00:00',
  '2021-03-14 02:15:00',
  '2021-03-14 03:00:01',
  '2021-11-07 01:30:00',
  '2021-11-07 02:00:00',
  '2021-04-04 01:45:00',
  '2021-04-04 02:30:00',
  '2021-10-03 02:10:00',
  '2021-10-03 02:45:00',
  '2021-03-22 00:30:00',
  '2021-09-21 23:30:00',
  '2021-07-01 12:00:00',
  '1995-01-15 08:00:00',
  '2037-06-01 00:00:00',
];
const EPOCHS = [
  '0',
  '1',
  '1616893199',
  '1616893200',
  '1635641999',
  '1635642000',
  '1615705200',
  '1636268400',
  '1633190399',
  '1617460200',
  '946684800',
  '2147483646',
];
const fill = (list: readonly string[], make: (value: string) => OracleValue) => list.map(make);

/** What `{kind}` in a case's text may become; NULL is added to every pool but `k`, a count that is always there. */
export const POOLS: Readonly<Record<ValueKind, readonly OracleValue[]>> = {
  s: fill([...WORDS, '', '42', 'x'.repeat(40)], text),
  w: fill(['', 'a', 'b', 'o', 'l', 'A', 'abc', ' ', '.', ',', 'zz', '本', '😀', 'lo w', 'B'], text),
  p: fill(
    [
      '%',
      '_',
      'a%',
      '%c',
      '%b%',
      'a_c',
      '\\%',
      '100\\%',
      'foo\\_bar',
      'foo_bar',
      '',
      'A%',
      '%l%o%',
    ],
    text,
  ),
  num: fill(NUMBER_TEXTS, text),
  n: fill(['-3', '-1', '0', '1', '2', '3', '4', '5', '7', '10', '20', '-10'], plain),
  u: fill(['0', '1', '2', '3', '4', '5', '6', '7'], plain),
  i: fill(
    [
      '0',
      '1',
      '-1',
      '2',
      '7',
      '10',
      '-17',
      '100',
      '127',
      '128',
      '255',
      '-128',
      '1000',
      '32767',
      '65535',
      '-32768',
      '99999',
      '2147483647',
      '-2147483647',
      '4294967296',
      '123456789012',
      '-98765432109',
    ],
    plain,
  ),
  k: fill(['0', '1', '2', '3', '5', '8', '13', '31'], plain),
  f: fill(
    [
      '0e0',
      '1e0',
      '-1e0',
      '1.5e0',
      '2.5e0',
      '-2.5e0',
      '0.1e0',
      '3.7e0',
      '-3.7e0',
      '1e10',
      '1.25e-3',
      '-1e-7',
      '123456.789e0',
      '0.5e0',
      '10e0',
      '2e0',
    ],
    plain,
  ),
  a: fill(['-1e0', '-0.5e0', '0e0', '0.25e0', '0.5e0', '1e0', '1.5e0'], plain),
  x: fill(
    [
      '0.0',
      '1.5',
      '-1.5',
      '2.50',
      '3.14159',
      '-0.001',
      '100.25',
      '12345.678',
      '0.999',
      '-99.995',
      '1.005',
      '7.0',
    ],
    plain,
  ),
  d: fill(DATES, date),
  t: DATES.map((day, i) => datetime(`${day} ${CLOCKS[i % CLOCKS.length] ?? ''}`)),
  ds: fill(
    [
      '2020-01-05',
      '2020-1-5',
      '2020-02-30',
      '2019-02-29',
      '2020-12-31 23:59:59',
      '2020-06-15 01:02:03.5',
      '20200105',
      '20200105102030',
      'garbage',
      '',
    ],
    text,
  ),
  b: fill(['TRUE', 'FALSE'], plain),
  hex: fill(['616263', '00FF', 'e697a5', 'zz', '123', '', 'DEADbeef'], text),
  clock: fill(['00:00:00', '01:02:03', '23:59:59', '100:00:01', '-01:00:00', '12:34'], text),
  edge: fill(EDGES, datetime),
  epoch: fill(EPOCHS, plain),
  ip: fill(
    ['127.0.0.1', '255.255.255.255', '0.0.0.0', '10.1.2.3', '1.2.3', '256.1.1.1', 'x'],
    text,
  ),
};

const NULL_VALUE = plain('NULL');

/** A small generator of even quality (mulberry32): the same seed, the same values. */
export class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  /** One of the pool, NULL in about one of twelve draws. */
  value(kind: ValueKind): OracleValue {
    if (kind !== 'k' && this.below(12) === 0) return NULL_VALUE;
    const pool = POOLS[kind];
    return pool[this.below(pool.length)] ?? NULL_VALUE;
  }
}
