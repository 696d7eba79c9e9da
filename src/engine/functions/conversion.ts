// Conversions where DuckDB's own rules end: unusual dates, long floats, bytes that are no text, integers
// that wrap. Called only for the few values that need them.
import { isUtf8 } from 'node:buffer';
import { datetimeOf } from '../../query/datetime-text.ts';
import { floatText } from '../text-forms.ts';
import { type JsFunction, strictFunction, ValueProblem } from './define.ts';

function wrapped(op: string, left: bigint, right: bigint, bits: number): bigint {
  switch (op) {
    case '+':
      return BigInt.asIntN(bits, left + right);
    case '-':
      return BigInt.asIntN(bits, left - right);
    case '*':
      return BigInt.asIntN(bits, left * right);
    default:
      throw new ValueProblem(`no wrapping operator ${op}`);
  }
}

export const CONVERSION_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_datetime_text', ['VARCHAR'], 'VARCHAR', datetimeOf),
  strictFunction('mr_utf8_text', ['BLOB'], 'VARCHAR', (bytes) =>
    isUtf8(bytes) ? bytes.toString('utf8') : null,
  ),
  strictFunction('mr_float_text', ['DOUBLE'], 'VARCHAR', floatText),
  strictFunction('mr_wrap64', ['VARCHAR', 'BIGINT', 'BIGINT'], 'BIGINT', (op, left, right) =>
    wrapped(op, left, right, 64),
  ),
  strictFunction('mr_wrap128', ['VARCHAR', 'VARCHAR', 'VARCHAR'], 'VARCHAR', (op, left, right) =>
    wrapped(op, BigInt(left), BigInt(right), 128).toString(),
  ),
];
