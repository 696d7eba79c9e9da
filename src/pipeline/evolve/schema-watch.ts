// Looks at every row of a batch, or at its schemas, for what the table has no room for: new fields, and values too
// large for their column. What it finds is a proposal to the FE; the batch waits for the answer and is read again. So it
// must see each field before a row of it is written.
import { type JsonValue, readJson } from '../../formats/json/value.ts';
import { isObjectName } from '../../model/object-name.ts';
import type {
  EvolutionSpec,
  EvolvingColumn,
  ProposedColumn,
  SchemaConflict,
  SchemaProposal,
} from '../../model/schema-proposal.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { fitOf } from '../../query/infer/fit.ts';
import { JsonFacts } from '../../query/infer/json-type.ts';
import { skipSpace, skipValue } from '../decode/json-scan.ts';
import { type ValueBound, valueBound } from './value-bound.ts';

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
/** New fields of one batch that are looked at; the rest is found in the next one. */
const MAX_NEW_FIELDS = 1_000;

interface KnownKey {
  readonly bytes: Buffer;
  /** What values of the column must not exceed; null = nothing to look at. */
  readonly bound: ValueBound | null;
}

/** Of one task. */
export class SchemaWatch {
  readonly #spec: EvolutionSpec;
  readonly #onPassed: (text: string) => void;
  readonly #columns: ReadonlyMap<string, EvolvingColumn>;
  /** Lower case: a column cannot have a name that another one has in other letters. */
  readonly #taken: Set<string>;
  readonly #keys = new Map<string, KnownKey>();
  /** Keys in the order of the row before: most rows have the same. */
  readonly #order: KnownKey[] = [];
  /** New fields by name: of a schema, and of values. */
  readonly #typed = new Map<string, SqlType>();
  readonly #valued = new Map<string, JsonFacts>();
  readonly #widened = new Map<string, SqlType>();
  readonly #conflicts = new Map<string, SchemaConflict>();

  /** `onPassed` hears of fields that no column can be made of, once each. */
  constructor(spec: EvolutionSpec, onPassed: (text: string) => void) {
    this.#spec = spec;
    this.#onPassed = onPassed;
    this.#columns = new Map(spec.columns.map((column) => [column.field, column]));
    const names = [...spec.known, ...spec.columns.flatMap(({ field, name }) => [field, name])];
    this.#taken = new Set(names.map((name) => name.toLowerCase()));
    for (const name of names) this.#know(name);
  }

  #know(name: string): KnownKey {
    const column = this.#columns.get(name);
    const bound = column === undefined ? null : valueBound(column.type);
    const known = { bytes: Buffer.from(name), bound };
    this.#keys.set(name, known);
    return known;
  }

  /** All fields of rows by their schema. */
  schema(types: ReadonlyMap<string, SqlType>): void {
    for (const [name, type] of types) {
      const column = this.#columns.get(name);
      if (column !== undefined) this.#compare(column, type);
      else if (this.#isNew(name) && this.#typed.size < MAX_NEW_FIELDS) this.#typed.set(name, type);
    }
    for (const { field, name, isRequired } of this.#spec.columns) {
      if (isRequired && !types.has(field)) this.#conflicts.set(name, { column: name, type: null });
    }
  }

  #compare(column: EvolvingColumn, type: SqlType): void {
    const { name } = column;
    const fit = fitOf(type, this.#widened.get(name) ?? column.type);
    if (fit.kind === 'widen') this.#widened.set(name, fit.to);
    if (fit.kind === 'conflict') this.#conflicts.set(name, { column: name, type });
  }

  /** Can the field be a column that is not there? Tells of those that cannot. */
  #isNew(name: string): boolean {
    if (this.#keys.has(name) || this.#valued.has(name) || this.#typed.has(name)) return false;
    const isTaken = this.#taken.has(name.toLowerCase());
    if (!isTaken && isObjectName(name)) {
      this.#taken.add(name.toLowerCase());
      return true;
    }
    this.#know(name);
    const why = isTaken
      ? 'a column differs from it only in upper and lower case'
      : 'it is no name of a column';
    this.#onPassed(`field ${JSON.stringify(name.slice(0, 100))} is not loaded: ${why}`);
    return false;
  }

  /** A row as a line of JSON. What is no object is for others to refuse. */
  row(bytes: Buffer, start: number, end: number): void {
    let at = skipSpace(bytes, start, end);
    if (bytes[at] !== OPEN_OBJECT) return;
    at = skipSpace(bytes, at + 1, end);
    const news: [name: string, value: JsonValue][] = [];
    const over: [known: KnownKey, from: number, to: number][] = [];
    for (let place = 0; at < end && bytes[at] === QUOTE; place += 1) {
      const keyStart = at;
      const keyEnd = skipValue(bytes, at, end);
      if (keyEnd < 0) return;
      at = skipSpace(bytes, keyEnd, end);
      if (bytes[at] !== COLON) return;
      const from = skipSpace(bytes, at + 1, end);
      const to = skipValue(bytes, from, end);
      if (to < 0) return;
      const known = this.#keyAt(place, bytes, keyStart, keyEnd);
      if (typeof known === 'string') {
        const read = readJson(bytes.toString('utf8', from, to));
        if (read.problem !== null) return;
        news.push([known, read.value]);
      } else if (known.bound?.isExceeded(bytes, from, to) === true) over.push([known, from, to]);
      at = skipSpace(bytes, to, end);
      if (bytes[at] !== COMMA) break;
      at = skipSpace(bytes, at + 1, end);
    }
    // Only of a whole row: another one is rejected, and asks for nothing.
    if (bytes[at] !== CLOSE_OBJECT || skipSpace(bytes, at + 1, end) !== end) return;
    for (const [name, value] of news) this.#noteValue(name, value);
    for (const [{ bound }, from, to] of over) bound?.note(bytes, from, to);
  }

  /** The known key, or the name of another one. */
  #keyAt(place: number, bytes: Buffer, start: number, end: number): KnownKey | string {
    const expected = this.#order[place];
    if (expected !== undefined && isSame(expected.bytes, bytes, start + 1, end - 1))
      return expected;
    const read = readJson(bytes.toString('utf8', start, end)).value;
    const name = typeof read === 'string' ? read : '';
    const known = this.#keys.get(name);
    if (known === undefined) return name;
    // A key with escapes looks otherwise than its name.
    if (place <= this.#order.length && known.bytes.length === end - start - 2)
      this.#order[place] = known;
    return known;
  }

  #noteValue(name: string, value: JsonValue): void {
    // What was only NULL so far is known, and its name taken, when there is a value.
    if (value === null) return;
    let facts = this.#valued.get(name);
    if (facts === undefined) {
      if (this.#valued.size >= MAX_NEW_FIELDS || !this.#isNew(name)) return;
      facts = new JsonFacts();
      this.#valued.set(name, facts);
    }
    facts.add(value);
  }

  /** What the batch asks for; null = the table has room for all of it. */
  proposal(): SchemaProposal | null {
    const add: ProposedColumn[] = [...this.#typed].map(([name, type]) => ({ name, type }));
    for (const [name, facts] of this.#valued) {
      const type = this.#typed.has(name) ? null : facts.type({ structs: false });
      if (type !== null) add.push({ name, type });
    }
    for (const column of this.#spec.columns) {
      const wanted = this.#keys.get(column.field)?.bound?.wanted() ?? null;
      if (wanted !== null && !this.#widened.has(column.name))
        this.#widened.set(column.name, wanted);
    }
    const widen = [...this.#widened].map(([name, type]) => ({ name, type }));
    const conflicts = [...this.#conflicts.values()];
    if (add.length + widen.length + conflicts.length === 0) return null;
    return { add, widen, conflicts };
  }
}

function isSame(expected: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const { length } = expected;
  if (end - start !== length) return false;
  for (let index = 0; index < length; index += 1)
    if (expected[index] !== bytes[start + index]) return false;
  return true;
}
