// Remembers which rows a running COPY did not write and why, and decides about lines that came out all
// NULL: truly so, or not parsed. Called on the JavaScript thread while the statement waits: quick.
import { assert } from '../../base/assert.ts';
import type { DropListener } from '../../engine/drop-function.ts';
import type { CompiledTransform } from './compile-sql.ts';
import { CODE_NO_ARRAY, CODE_UNPARSED, DROP_CODE } from './drop-code.ts';
import { valueAt } from './json-path.ts';
import { LineRows } from './line-rows.ts';
import { parseJson } from './parse-json.ts';

/** Is the row at that place of its line wanted (null = the line is one row, or has none)? */
export type WantsElement = (line: number, element: number | null) => boolean;

export class DropRecorder implements DropListener {
  readonly #transform: Pick<CompiledTransform, 'fieldSteps' | 'countSql'>;
  readonly #textOf: ((line: number) => string | null) | null;
  /** Null where a row is a line. */
  readonly #rows: LineRows | null;
  /** Ordinals of rows; -1 - line for a line as a whole that has no rows. */
  #ordinals = new Int32Array(64);
  #codes = new Int32Array(64);
  #count = 0;
  /** Those of them that are lines without rows. */
  #lines = 0;
  /** By ordinal. */
  readonly #routes = new Map<number, string | null>();
  /** Null: all rows are. */
  readonly #wants: WantsElement | null;
  /** Rows that were neither written nor dropped, since they are not wanted. */
  #leftOut = 0;

  /**
   * `textOf`: the text of a line that may be no JSON; null = all lines are our own, so that NULL in every field
   * is the truth (`\N` everywhere in CSV).
   */
  constructor(
    transform: Pick<CompiledTransform, 'fieldSteps' | 'countSql'>,
    textOf: ((line: number) => string | null) | null,
    wants: WantsElement | null = null,
  ) {
    this.#wants = wants;
    this.#transform = transform;
    this.#textOf = textOf;
    this.#rows = transform.countSql === null ? null : new LineRows();
  }

  /** Rows not written; a line that should have rows and has none counts as one. */
  get count(): number {
    return this.#count;
  }

  /** Which rows are from which line; null where a row is a line. */
  get lineRows(): LineRows | null {
    return this.#rows;
  }

  /** Wanted rows of a statement over so many lines, written and not. */
  total(lineCount: number): number {
    if (this.#rows === null) return lineCount - this.#leftOut;
    const { lineCount: heard, rowCount } = this.#rows;
    assert(heard === lineCount, `rows of ${heard} lines are known, there are ${lineCount}`);
    return rowCount + this.#lines - this.#leftOut;
  }

  onRow(ordinal: number, suspect: boolean, code: number): boolean {
    if (this.#wants !== null && !this.#isWanted(this.#wants, ordinal)) {
      this.#leftOut += 1;
      return false;
    }
    const unparsed = suspect && this.#isUnparsed(ordinal);
    if (!unparsed && code === DROP_CODE.keep) return true;
    this.#note(ordinal, unparsed ? CODE_UNPARSED : code);
    return false;
  }

  onLine(line: number, suspect: boolean, count: number): number {
    assert(this.#rows !== null, 'only UNNEST tells of lines');
    const unparsed = suspect && this.#isUnparsed(line);
    const isBad = unparsed || count < 0;
    const first = this.#rows.add(line, isBad ? 0 : count);
    if (!isBad) return first;
    if (this.#wants?.(line, null) === false) return -1;
    this.#note(-1 - line, unparsed ? CODE_UNPARSED : CODE_NO_ARRAY + 1 + count);
    this.#lines += 1;
    return -1;
  }

  /** What `route` gave for a row that goes to none of the tables. */
  noteRoute(ordinal: number, name: string | null): void {
    this.#routes.set(ordinal, name);
  }

  /** The same of a row as `forEach` gives it; undefined = not known. */
  routeOf(line: number, element: number | null): string | null | undefined {
    const ordinal = this.#rows === null ? line : this.#rows.firstOf(line) + (element ?? 0);
    return this.#routes.get(ordinal);
  }

  /** Every row not written, in order: its line, and its place there where the line has several (null = the line). */
  forEach(visit: (line: number, code: number, element: number | null) => void): void {
    for (let index = 0; index < this.#count; index += 1) {
      const ordinal = this.#ordinals[index] ?? 0;
      const code = this.#codes[index] ?? 0;
      if (ordinal < 0) visit(-1 - ordinal, code, null);
      else if (this.#rows === null) visit(ordinal, code, null);
      else {
        const { line, element } = this.#rows.locate(ordinal);
        visit(line, code, element);
      }
    }
  }

  #isWanted(wants: WantsElement, ordinal: number): boolean {
    if (this.#rows === null) return wants(ordinal, null);
    const { line, element } = this.#rows.locate(ordinal);
    return wants(line, element);
  }

  #isUnparsed(line: number): boolean {
    return this.#textOf !== null && !this.#isAllNull(this.#textOf(line));
  }

  /** Whether the line is an object in which every field is absent or null, so that DuckDB's NULLs are the truth. */
  #isAllNull(text: string | null): boolean {
    const parsed = parseJson(text ?? '');
    if (!parsed.ok) return false;
    return this.#transform.fieldSteps.every(
      (steps) => (valueAt(parsed.value, steps) ?? null) === null,
    );
  }

  #note(ordinal: number, code: number): void {
    if (this.#count === this.#ordinals.length) this.#grow();
    this.#ordinals[this.#count] = ordinal;
    this.#codes[this.#count] = code;
    this.#count += 1;
  }

  #grow(): void {
    const capacity = this.#ordinals.length * 4;
    const ordinals = new Int32Array(capacity);
    const codes = new Int32Array(capacity);
    ordinals.set(this.#ordinals);
    codes.set(this.#codes);
    this.#ordinals = ordinals;
    this.#codes = codes;
  }
}
