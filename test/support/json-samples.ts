// Random JSON messages for property tests: fields of one kind each, so that narrow types come about, and fields of any
// kind; names that no column can have among them.
import fc from 'fast-check';

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
export const day = fc
  .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 0, max: 13 }), fc.nat(32))
  .map(([year, month, date]) => `${pad(year, 4)}-${pad(month, 2)}-${pad(date, 2)}`);
const clock = fc
  .tuple(fc.nat(24), fc.nat(60), fc.nat(60), fc.constantFrom('', '.5', '.123456789'))
  .map(([h, m, s, part]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}${part}`);
const zone = fc.constantFrom('', 'Z', '+08:00', '-1130', '+15:00');
export const moment = fc
  .tuple(day, fc.constantFrom(' ', 'T'), clock, zone)
  .map(([date, between, time, where]) => `${date}${between}${time}${where}`);
export const whole = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String),
  fc.bigInt(-(2n ** 130n), 2n ** 130n).map(String),
  fc.constantFrom('-0', '9223372036854775808', '170141183460469231731687303715884105728'),
);
export const fraction = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.tuple(whole, fc.nat(999_999_999)).map(([left, right]) => `${left}.${right}`),
  fc.constantFrom('1e400', '-2.5E-3', '0.0', '123456789012345678901234567890.125'),
);
const text = fc.oneof(
  fc.string().map((value) => JSON.stringify(value)),
  fc.constantFrom('""', '"true"', '"12"', '"null"', '"\\ud83d\\ude00"', '"1_0"'),
);
const quoted = (value: string): string => `"${value}"`;
/** One kind for most values of a field, so that narrow types come about. */
const leaf = fc.oneof(
  whole,
  fraction,
  day.map(quoted),
  moment.map(quoted),
  text,
  fc.constantFrom('true', 'false'),
);
const key = fc.constantFrom('a', 'b', 'B', 'c_1', 'größe', 'x y', '_', '"', '', '0');
const value = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    { weight: 6, arbitrary: leaf },
    { weight: 1, arbitrary: fc.constant('null') },
    { weight: 2, arbitrary: tie('list') },
    { weight: 2, arbitrary: tie('object') },
  ),
  list: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 4 })
    .map((entries) => `{${entries.map(([k, v]) => `${JSON.stringify(k)}: ${v}`).join(',')}}`),
})).value;
const kinds = [
  whole,
  fraction,
  fc.oneof(whole, fraction),
  day.map(quoted),
  fc.oneof(day, moment).map(quoted),
  text,
  fc.constantFrom('true', 'false', 'null'),
  fc.array(whole, { maxLength: 3 }).map((items) => `[${items.join()}]`),
  fc.array(fc.oneof(moment.map(quoted), fc.constant('null'))).map((items) => `[${items.join()}]`),
  value,
  value,
];
/** Messages whose field `f<n>` is of kind n, and some fields of any kind. */
const message = fc
  .tuple(fc.subarray(kinds.map((_, index) => index)), fc.tuple(...kinds))
  .map(([chosen, values]) => `{${chosen.map((n) => `"f${n}":${values[n]}`).join(',')}}`);
/** Some messages, at least one. */
export const jsonSamples = fc.array(message, { minLength: 1, maxLength: 12 });
