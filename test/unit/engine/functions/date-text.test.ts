// The engine's date formats: MySQL's letters, Joda-Time's patterns, Teradata's words, at their edges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueProblem } from '../../../../src/engine/functions/define.ts';
import { formatJoda, parseJoda } from '../../../../src/engine/functions/joda-time.ts';
import { formatMysqlDate } from '../../../../src/engine/functions/mysql-date-format.ts';
import {
  parseMysqlDate,
  parseTeraDate,
} from '../../../../src/engine/functions/mysql-date-parse.ts';

const micros = (iso: string): bigint => BigInt(Date.parse(`${iso}Z`)) * 1000n;
const shown = (value: bigint | null): string | null =>
  value === null ? null : new Date(Number(value / 1000n)).toISOString().slice(0, 23);

const FORMATS: readonly (readonly [string, string, string | null])[] = [
  ['2009-10-04T22:23:00', '%W %M %Y', 'Sunday October 2009'],
  ['1900-10-04T22:23:00', '%D %y %a %d %m %b %j', '4th 00 Thu 04 10 Oct 277'],
  ['1997-10-04T22:23:00', '%H %k %I %r %T %S %w', '22 22 10 10:23:00 PM 22:23:00 00 6'],
  ['1999-01-01T00:00:00', '%X %V', '1998 52'],
  ['2021-01-03T00:00:00', '%u %U %v %x', '00 01 53 2020'],
  ['2020-02-11T00:00:00', '%D %l %f', '11th 12 000000'],
  ['2006-06-01T00:00:00', '%%%d', '%01'],
  ['2006-06-01T00:00:00', 'yyyy-MM-dd', '2006-06-01'],
  ['2006-06-01T00:00:00', 'x'.repeat(129), null],
];
for (const [date, format, text] of FORMATS) {
  test(`format ${date} ${format.slice(0, 40)}`, () => {
    assert.equal(formatMysqlDate(micros(date), format), text);
  });
}

const PARSES: readonly (readonly [string, string, string | null])[] = [
  ['2014-12-21 12:34:56', '%Y-%m-%d %H:%i:%s', '2014-12-21T12:34:56.000'],
  ['2014-12-21 12:34%3A56', '%Y-%m-%d %H:%i%%3A%s', '2014-12-21T12:34:56.000'],
  ['2014-12-21 12:34:56', '%Y-%m-%d', '2014-12-21T00:00:00.000'],
  ['2014-12-21', '%Y-%m-%d %H:%i:%s', '2014-12-21T00:00:00.000'],
  ['200442 Monday', '%X%V %W', '2004-10-18T00:00:00.000'],
  ['202101 Monday', '%x%v %W', '2021-01-04T00:00:00.000'],
  ['12:30 am 1/2/99', '%h:%i %p %m/%d/%y', '1999-01-02T00:30:00.000'],
  ['11:05:09 PM 2020-01-02', '%r %Y-%m-%d', '2020-01-02T23:05:09.000'],
  ['2020 60', '%Y %j', '2020-02-29T00:00:00.000'],
  ['3rd May 2020', '%D %b %Y', '2020-05-03T00:00:00.000'],
  ['2020-01-02 03:04:05.25', '%Y-%m-%d %T.%f', '2020-01-02T03:04:05.250'],
  ['2020-02-30', '%Y-%m-%d', null],
  ['2020-01', '%Y-%m', null],
  ['', '%Y-%m-%d', null],
  ['25:00:00 2020-01-01', '%T %Y-%m-%d', null],
  ['x', '%Q', null],
];
for (const [text, format, date] of PARSES) {
  test(`parse ${text} ${format}`, () => {
    assert.equal(shown(parseMysqlDate(text, format)), date);
  });
}

const JODA: readonly (readonly [string, string, string])[] = [
  ['2020-06-25T15:58:51', 'yyyy-MM-dd HH:mm:ss', '2020-06-25 15:58:51'],
  ['2020-06-25T15:58:51', 'MM dd ee EE', '06 25 04 Thu'],
  ['2020-06-25T15:58:51', 'MMM dd ee EEE', 'Jun 25 04 Thu'],
  ['2023-06-25T12:00:00', 'KK:mm:ss a', '00:00:00 PM'],
  ['2023-06-25T12:00:00', 'hh:mm:ss a', '12:00:00 PM'],
  ['2023-06-25T00:00:00', "yyyyMMdd 'starrocks'", '20230625 starrocks'],
  [
    '2023-06-25T00:00:00',
    "h 'o''clock' '' yy kk D xxxx ww G C S",
    "12 o'clock ' 23 24 176 2023 25 AD 20 0",
  ],
];
for (const [date, pattern, text] of JODA) {
  test(`Joda ${date} ${pattern}`, () => assert.equal(formatJoda(micros(date), pattern), text));
}

test('Joda-Time patterns read what they write, to the end', () => {
  assert.equal(
    shown(parseJoda('2014-12-21 12:34:56', 'yyyy-MM-dd HH:mm:ss')),
    '2014-12-21T12:34:56.000',
  );
  assert.equal(
    shown(parseJoda('21/Dec/14 01:02:03.5 PM', 'dd/MMM/yy hh:mm:ss.S a')),
    '2014-12-21T13:02:03.500',
  );
  assert.equal(parseJoda('2014-12-21 and more', 'yyyy-MM-dd'), null);
  assert.throws(() => parseJoda('2014', 'yyyyZ'), ValueProblem);
  assert.throws(() => formatJoda(0n, 'zzz'), ValueProblem);
});

test("Teradata's words", () => {
  assert.equal(shown(parseTeraDate('1988/04/08', 'yyyy/mm/dd')), '1988-04-08T00:00:00.000');
  assert.equal(
    shown(parseTeraDate('88-04-08 02:03:04 pm', 'yy-mm-dd hh:mi:ss am')),
    '1988-04-08T14:03:04.000',
  );
  assert.equal(shown(parseTeraDate('1988;04;08 23', 'yyyy;mm;dd hh24')), '1988-04-08T23:00:00.000');
  assert.equal(parseTeraDate('1988/04/08 tail', 'yyyy/mm/dd'), null);
  assert.throws(() => parseTeraDate('1988', 'yyyyq'), ValueProblem);
});
