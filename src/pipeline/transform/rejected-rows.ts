// The rejected rows of one batch, from packing and from the COPY, with a reason a person can act on.
// Reasons are made only when a row is written out, one at a time: a batch may be all bad.
import { present } from '../../base/assert.ts';
import type { RecordHeader } from '../../kafka/protocol/record-headers.ts';
import { type LoadOutput, type LoadPlan, loadedTables } from '../../model/load-plan.ts';
import { printSqlType } from '../../model/sql-type.ts';
import type { ColumnSchema } from '../../model/table.ts';
import { CsvScanner, FIELD } from '../decode/csv-scan.ts';
import type { PackedBatch } from '../decode/packed-batch.ts';
import type { Packer } from '../decode/packer.ts';
import type { CompiledTransform } from './compile-sql.ts';
import {
  CODE_KINDS,
  CODE_NO_ARRAY,
  CODE_UNPARSED,
  DROP_CODE,
  OPERATION,
  tableOutputs,
} from './drop-code.ts';
import type { DropRecorder } from './drop-recorder.ts';
import { type RejectCode, type RejectedRow, type RowSource, wholeHeaders } from './error-rows.ts';
import { isBinary } from './field-forms.ts';
import { valueAt } from './json-path.ts';
import { MessagePlaces } from './message-places.ts';
import { parseJson } from './parse-json.ts';
import { MAX_ELEMENTS } from './unnest-sql.ts';

interface Reason {
  readonly code: RejectCode;
  readonly message: string;
  readonly column: string | null;
  readonly fields: Readonly<Record<string, string | null>> | null;
  /** Given where the plan has several tables and the row goes to one of them. */
  readonly table?: string;
}

/** A line of rejected rows; rows of one line come one after the other. */
interface Line {
  readonly line: number;
  readonly raw: Buffer;
  readonly text: string | null;
  readonly fields: Readonly<Record<string, string | null>> | null;
  /** The text as a value; undefined = not asked for yet. */
  parsed?: ReturnType<typeof parseJson>;
  /** Values of UNNESTs by name, each made when it is first asked for; null = not known. */
  readonly arrays: Map<string, readonly unknown[] | null>;
  /** Bytes that rows of the line keep of it already. */
  keptBytes: number;
  /** Place of the first of its rows. */
  readonly first: number | null;
}

/** A message as it came; without headers where their block is damaged. */
export interface RejectedMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** -1 = none. */
  readonly timestampMs: number;
}

export interface LocatedRow {
  readonly record: number;
  readonly start: number;
  readonly end: number;
  readonly row: RejectedRow;
}

/** Of `target_table`, which is as long as a name may be. */
const MAX_TABLE_CHARACTERS = 1_000;

/** What `target_table` says of a rejected row that belongs to none of a plan's tables. */
export function shownTables(plan: LoadPlan): string {
  const names = loadedTables(plan).map(({ target }) => target.tableName);
  return names.join(',').slice(0, MAX_TABLE_CHARACTERS);
}

/** Characters of a value or row that a message shows. */
const SHOWN_CHARACTERS = 100;
/** Above so many bytes further rejected elements of a message point to the first one, instead of keeping it as well. */
const MAX_KEPT_OF_MESSAGE_BYTES = 4 * 1024 * 1024;

export class RejectedRows {
  readonly count: number;
  /** Those of them that could not be parsed at all. */
  readonly parseErrors: number;
  readonly #plan: LoadPlan;
  readonly #transform: CompiledTransform;
  readonly #packed: PackedBatch;
  readonly #packer: Packer;
  readonly #drops: DropRecorder;
  /** By the index of a DROP_CODE, each with its table where there are several. */
  readonly #outputs: readonly {
    readonly output: LoadOutput;
    readonly table: Pick<Reason, 'table'>;
  }[];

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
    this.#outputs = loadedTables(plan).flatMap((loaded) => {
      const table = plan.routes === undefined ? {} : { table: loaded.target.tableName };
      return tableOutputs(loaded).map((output) => ({ output, table }));
    });
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
    let last = -1;
    let ofLine = 0;
    this.#drops.forEach((line, code) => {
      if (code === DROP_CODE.unselected) return;
      if (line !== last) ofLine = 0;
      else if (ofLine > MAX_KEPT_OF_MESSAGE_BYTES) return;
      last = line;
      const { start, end } = this.#packed.rangeOfLine(line);
      ofLine += end - start;
      bytes += (end - start) * 2.4;
    });
    return Math.ceil(bytes);
  }

  /** Each rejected row with its reason, those found by packing first. */
  *rows(): Generator<RejectedRow> {
    for (const { row } of this.located()) yield row;
  }

  /** The same, each with the place of its message in the batch and its range in the message's run. */
  *located(): Generator<LocatedRow> {
    const places = new MessagePlaces(this.#packed, this.#plan.limits.keptMessageBytes);
    for (const { record, start, end, message } of this.#packed.rejects) {
      const { run } = this.#packed.locate(record);
      const raw = run.bytes.subarray(start, end);
      const reason = { code: 'PARSE_ERROR', message, column: null, fields: null } as const;
      const row = { raw, ...reason, source: places.sourceOf(record, start, end) };
      const shown = isBinary(this.#plan.format) ? { ...row, decoded: null } : row;
      yield { record, start, end, row: shown };
    }
    const dropped: [line: number, code: number, element: number | null][] = [];
    this.#drops.forEach((line, code, element) => {
      if (code !== DROP_CODE.unselected) dropped.push([line, code, element]);
    });
    let at: Line | null = null;
    for (const [line, code, element] of dropped) {
      if (at === null || at.line !== line) at = this.#line(line, element);
      const { start, end } = this.#packed.rangeOfLine(line);
      const record = this.#packed.recordOfLine(line);
      const source = places.sourceOf(record, start, end);
      const placed = element === null ? source : { ...source, element };
      const row = this.#droppedRow(at, this.#reason(at, code, element), placed);
      yield { record, start, end, row };
    }
  }

  /** The message of a row. */
  message(record: number): RejectedMessage {
    const { run, index } = this.#packed.locate(record);
    const bytesAt = (starts: Int32Array, lengths: Int32Array): Buffer | null => {
      const [start, length] = [starts[index] ?? 0, lengths[index] ?? -1];
      return length < 0 ? null : run.bytes.subarray(start, start + length);
    };
    const block = bytesAt(run.headersStart, run.headersLength);
    return {
      key: bytesAt(run.keyStart, run.keyLength),
      value: bytesAt(run.valueStart, run.valueLength),
      headers: block === null || block.length <= 1 ? [] : (wholeHeaders(block) ?? []),
      timestampMs: run.timestampMs[index] ?? -1,
    };
  }

  #line(line: number, first: number | null): Line {
    const raw = this.#packed.rawOfLine(line);
    const text = this.#packer.lineOf(this.#packed, line);
    const fields = this.#csvFields(raw);
    return { line, raw, text, fields, arrays: new Map(), keptBytes: 0, first };
  }

  #droppedRow(line: Line, reason: Reason, source: RowSource): RejectedRow {
    const row = { raw: line.raw, ...reason, source };
    const isKept = line.keptBytes <= MAX_KEPT_OF_MESSAGE_BYTES;
    line.keptBytes += line.raw.length;
    if (!isKept) {
      const fields = { _raw_of_element: String(line.first) };
      return { ...row, raw: Buffer.alloc(0), fields };
    }
    return isBinary(this.#plan.format) ? { ...row, decoded: line.text } : row;
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

  #reason(line: Line, code: number, element: number | null): Reason {
    if (code === CODE_UNPARSED) {
      const result = parseJson(line.raw.toString('utf8'));
      const message = `Failed to parse the message as JSON${result.ok ? '' : `: ${result.message}`}`;
      return { code: 'PARSE_ERROR', message, column: null, fields: null };
    }
    const { fields } = line;
    if (code <= CODE_NO_ARRAY) return { ...this.#noRows(line, CODE_NO_ARRAY - code), fields };
    const reason =
      code % CODE_KINDS === DROP_CODE.noTable
        ? { ...this.#noTable(line, element), fields }
        : this.#outputReason(line, code, element);
    if (element === null) return reason;
    return { ...reason, message: `Element ${element}: ${reason.message}` };
  }

  /** The value of an UNNEST is no array, or has too many elements: its message has no rows. */
  #noRows(line: Line, which: number): Omit<Reason, 'fields'> {
    const unnest = present(this.#plan.transform.unnest?.[which >> 1], 'UNNEST of a drop code');
    if ((which & 1) === 1) {
      const message = `UNNEST takes up to ${MAX_ELEMENTS} elements of one message, it has more`;
      return { code: 'VALUE_OUT_OF_RANGE', message, column: unnest.name };
    }
    const value = unnest.field === null ? undefined : this.#fieldValue(line, unnest.field);
    const shown = typeof value === 'string' ? `'${shorten(value)}'` : 'its value';
    const message = `UNNEST needs an array, ${shown} is none`;
    return { code: 'VALUE_OUT_OF_RANGE', message, column: unnest.name };
  }

  /** `route` gives none of the job's tables. */
  #noTable(line: Line, element: number | null): Omit<Reason, 'fields'> {
    const { routes } = this.#plan;
    const value = this.#drops.routeOf(line.line, element);
    const shown =
      value === null ? 'NULL' : value === undefined ? 'its value' : `'${shorten(value)}'`;
    const names = shorten(routes?.names.join(', ') ?? '');
    const message = `route gives no table of the job: ${shown} is none of ${names}`;
    return { code: 'NO_TABLE', message, column: null };
  }

  #outputReason(line: Line, code: number, element: number | null): Reason {
    const { fields } = line;
    const index = Math.floor(code / CODE_KINDS);
    const { output, table } = present(this.#outputs[index], 'output of a drop code');
    const value = this.#valueOf(output, line, element);
    const kind = code % CODE_KINDS;
    if (kind === DROP_CODE.operation) {
      return { ...describeOperation(value), fields, ...table };
    }
    if (kind === DROP_CODE.noPartition) {
      return {
        ...describeNoPartition(output.column.name, value),
        column: output.column.name,
        fields,
        ...table,
      };
    }
    const reason = describeReject(output.column, value, kind === DROP_CODE.strict);
    return { ...reason, column: output.column.name, fields, ...table };
  }

  /** The text that the output was made from; null = NULL, undefined = not from one field. */
  #valueOf(output: LoadOutput, line: Line, element: number | null): string | null | undefined {
    return output.from.kind === 'field'
      ? this.#sourceValue(line, output.from.field, element)
      : undefined;
  }

  /** Of a source field or an array that is taken apart. */
  #sourceValue(line: Line, field: string, element: number | null): string | null | undefined {
    const { fields, unnest = [] } = this.#plan.transform;
    if (fields.includes(field)) return this.#fieldValue(line, field);
    const from = unnest.find(({ name }) => name === field);
    // What an expression made of the message is known to DuckDB alone.
    if (from?.of !== 'json' || from.field === null || element === null) return undefined;
    let array = line.arrays.get(field);
    if (array === undefined) {
      const parsed = parseJson(this.#fieldValue(line, from.field) ?? 'null');
      array = parsed.ok && Array.isArray(parsed.value) ? parsed.value : null;
      line.arrays.set(field, array);
    }
    return array === null ? undefined : textOf(array[element]);
  }

  #fieldValue(line: Line, field: string): string | null | undefined {
    if (line.fields !== null) return line.fields[field] ?? null;
    const steps = this.#transform.fieldSteps[this.#plan.transform.fields.indexOf(field)] ?? [];
    const wildcard = steps.findIndex(({ kind }) => kind === 'all');
    if (wildcard >= 0 && wildcard < steps.length - 1) return undefined;
    // DuckDB reads some text that JSON.parse does not (NaN); the reason then goes without the value.
    line.parsed ??= parseJson(line.text ?? 'null');
    return textOf(line.parsed.ok ? valueAt(line.parsed.value, steps) : null);
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

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
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
