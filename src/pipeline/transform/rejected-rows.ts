// The rejected rows of one batch, from packing and from the COPY, with a reason a person can act on.
// Reasons are made only when a row is written out, one at a time: a batch may be all bad.
import { present } from '../../base/assert.ts';
import type { LoadOutput, LoadPlan } from '../../model/load-plan.ts';
import { printSqlType } from '../../model/sql-type.ts';
import type { ColumnSchema } from '../../model/table.ts';
import { CsvScanner, FIELD } from '../decode/csv-scan.ts';
import type { PackedBatch } from '../decode/packed-batch.ts';
import type { Packer } from '../decode/packer.ts';
import {
  allOutputs,
  CODE_KINDS,
  type CompiledTransform,
  DROP_CODE,
  OPERATION,
} from './compile-sql.ts';
import { CODE_UNPARSED, type DropRecorder } from './drop-recorder.ts';
import type { RejectCode, RejectedRow } from './error-rows.ts';
import { isBinary } from './field-forms.ts';
import { valueAt } from './json-path.ts';
import { MessagePlaces } from './message-places.ts';
import { parseJson } from './parse-json.ts';

interface Reason {
  readonly code: RejectCode;
  readonly message: string;
  readonly column: string | null;
  readonly fields: Readonly<Record<string, string | null>> | null;
}

/** Characters of a value or row that a message shows. */
const SHOWN_CHARACTERS = 100;

export class RejectedRows {
  readonly count: number;
  /** Those of them that could not be parsed at all. */
  readonly parseErrors: number;
  readonly #plan: LoadPlan;
  readonly #transform: CompiledTransform;
  readonly #packed: PackedBatch;
  readonly #packer: Packer;
  readonly #drops: DropRecorder;

  constructor(
    plan: LoadPlan,
    transform: CompiledTransform,
    packed: PackedBatch,
    packer: Packer,
    drops: DropRecorder,
  ) {
    this.#plan = plan;
    this.#transform = transform;
    this.#packed = packed;
    this.#packer = packer;
    this.#drops = drops;
    let count = packed.rejects.length;
    let parseErrors = count;
    drops.forEach((_, code) => {
      if (code !== DROP_CODE.unselected) count += 1;
      if (code === CODE_UNPARSED) parseErrors += 1;
    });
    this.count = count;
    this.parseErrors = parseErrors;
  }

  /** About how large the rows are when written out, for choosing where: each row twice, itself and its message. */
  get approximateBytes(): number {
    let bytes = this.count * 1024;
    for (const { start, end } of this.#packed.rejects) bytes += (end - start) * 2.4;
    this.#drops.forEach((line, code) => {
      if (code === DROP_CODE.unselected) return;
      const { start, end } = this.#packed.rangeOfLine(line);
      bytes += (end - start) * 2.4;
    });
    return Math.ceil(bytes);
  }

  /** Each rejected row with its reason, those found by packing first. */
  *rows(): Generator<RejectedRow> {
    const places = new MessagePlaces(this.#packed, this.#plan.limits.keptMessageBytes);
    for (const { record, start, end, message } of this.#packed.rejects) {
      const { run } = this.#packed.locate(record);
      const raw = run.bytes.subarray(start, end);
      const reason = { code: 'PARSE_ERROR', message, column: null, fields: null } as const;
      const row = { raw, ...reason, source: places.sourceOf(record, start, end) };
      yield isBinary(this.#plan.format) ? { ...row, decoded: null } : row;
    }
    const dropped: [line: number, code: number][] = [];
    this.#drops.forEach((line, code) => {
      if (code !== DROP_CODE.unselected) dropped.push([line, code]);
    });
    for (const [line, code] of dropped) {
      const raw = this.#packed.rawOfLine(line);
      const text = this.#packer.lineOf(this.#packed, line);
      const { start, end } = this.#packed.rangeOfLine(line);
      const source = places.sourceOf(this.#packed.recordOfLine(line), start, end);
      const row = { raw, ...this.#reason(raw, text, code), source };
      yield isBinary(this.#plan.format) ? { ...row, decoded: text } : row;
    }
  }

  /** The first few reasons, as StarRocks' error log shows them. */
  samples(count: number): readonly string[] {
    return this.#samples(count, () => true);
  }

  /** The same of those that could not be parsed. */
  parseErrorSamples(count: number): readonly string[] {
    return this.#samples(count, ({ code }) => code === 'PARSE_ERROR');
  }

  #samples(count: number, counts: (row: RejectedRow) => boolean): readonly string[] {
    const samples: string[] = [];
    if (count === 0) return samples;
    for (const row of this.rows()) {
      if (!counts(row)) continue;
      const start = row.raw.subarray(0, SHOWN_CHARACTERS * 4);
      const bytes = start.toString(row.decoded === undefined ? 'utf8' : 'base64');
      const text = row.decoded ?? bytes;
      samples.push(`Error: ${row.message}. Row: ${shorten(text)}`);
      if (samples.length >= count) break;
    }
    return samples;
  }

  #reason(raw: Buffer, text: string | null, code: number): Reason {
    if (code === CODE_UNPARSED) {
      const result = parseJson(raw.toString('utf8'));
      const message = `Failed to parse the message as JSON${result.ok ? '' : `: ${result.message}`}`;
      return { code: 'PARSE_ERROR', message, column: null, fields: null };
    }
    const output = present(
      allOutputs(this.#plan)[Math.floor(code / CODE_KINDS)],
      'output of a drop code',
    );
    const fields = this.#csvFields(raw);
    const value = this.#valueOf(output, text, fields);
    const kind = code % CODE_KINDS;
    if (kind === DROP_CODE.operation) {
      return { ...describeOperation(value), fields };
    }
    if (kind === DROP_CODE.noPartition) {
      return {
        ...describeNoPartition(output.column.name, value),
        column: output.column.name,
        fields,
      };
    }
    const strict = kind === DROP_CODE.strict;
    return { ...describeReject(output.column, value, strict), column: output.column.name, fields };
  }

  /** The text that the output was made from; null = NULL, undefined = not from one field. */
  #valueOf(
    output: LoadOutput,
    text: string | null,
    fields: Readonly<Record<string, string | null>> | null,
  ): string | null | undefined {
    if (output.from.kind !== 'field') return undefined;
    const { field } = output.from;
    if (fields !== null) return fields[field] ?? null;
    const steps = this.#transform.fieldSteps[this.#plan.transform.fields.indexOf(field)] ?? [];
    // DuckDB reads some text that JSON.parse does not (NaN); the reason then goes without the value.
    const parsed = parseJson(text ?? 'null');
    const value = parsed.ok ? valueAt(parsed.value, steps) : null;
    if (value === null || value === undefined) return null;
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }

  #csvFields(raw: Buffer): Readonly<Record<string, string | null>> | null {
    const { format, transform } = this.#plan;
    if (format.kind !== 'csv') return null;
    const scanner = new CsvScanner(format, transform.fields.length);
    scanner.readRow(raw, 0, raw.length);
    return Object.fromEntries(
      transform.fields.map((name, index) => [
        name,
        scanner.kinds[index] === FIELD.null ? null : scanner.fieldBytes(raw, index).toString(),
      ]),
    );
  }
}

/**
 * What is wrong with a column's value, in the wording of StarRocks' error log where it has one. `value` is the
 * source text; null = NULL, undefined = not known.
 */
export function describeReject(
  { name, type, nullable }: Pick<ColumnSchema, 'name' | 'type' | 'nullable'>,
  value: string | null | undefined,
  strict: boolean,
): { readonly code: RejectCode; readonly message: string } {
  const isText = type.kind === 'CHAR' || type.kind === 'VARCHAR' || type.kind === 'VARBINARY';
  if (typeof value === 'string' && isText && Buffer.byteLength(value) > type.length) {
    const sizes = `column=${name}, capacity=${type.length}, actual=${Buffer.byteLength(value)}`;
    return {
      code: 'VALUE_TOO_LONG',
      message: `Value length is beyond the capacity. ${sizes}`,
    };
  }
  const shown = typeof value === 'string' ? `Value '${shorten(value)}'` : 'The value';
  if (strict) {
    const message = `${shown} is out of range. The type of '${name}' is ${printSqlType(type)}`;
    return { code: 'VALUE_OUT_OF_RANGE', message };
  }
  const cause =
    typeof value === 'string' && !nullable
      ? `: '${shorten(value)}' does not convert to ${printSqlType(type)}`
      : '';
  const code = cause === '' ? 'NULL_VALUE' : 'VALUE_OUT_OF_RANGE';
  return { code, message: `NULL value in non-nullable column '${name}'${cause}` };
}

/** A `__op` that says neither upsert nor delete. */
export function describeOperation(
  value: string | null | undefined,
): Pick<RejectedRow, 'code' | 'message' | 'column'> {
  const shown = typeof value === 'string' ? `'${shorten(value)}'` : 'its value';
  return {
    code: 'VALUE_OUT_OF_RANGE',
    message: `${shown} is no operation: __op must be 0 (upsert) or 1 (delete)`,
    column: OPERATION,
  };
}

/** For a row that no partition takes. SOURCE: StarRocks' error log. */
export function describeNoPartition(
  column: string,
  value: string | null | undefined,
): { readonly code: RejectCode; readonly message: string } {
  const shown = typeof value === 'string' ? ` (${column} = '${shorten(value)}')` : '';
  const message = `The row is out of partition ranges. Please add a new partition${shown}`;
  return { code: 'NO_PARTITION', message };
}

export function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`;
}
