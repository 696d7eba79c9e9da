// Remembers which lines a running COPY did not write and why, and decides about lines that came out all
// NULL: truly so, or not parsed. Called on the JavaScript thread while the statement waits: quick.
import type { DropListener } from '../../engine/drop-function.ts';
import { type CompiledTransform, DROP_CODE } from './compile-sql.ts';
import { valueAt } from './json-path.ts';
import { parseJson } from './parse-json.ts';

/** A line that did not parse, beside the DROP_CODEs. */
export const CODE_UNPARSED = -2;

export class DropRecorder implements DropListener {
  readonly #transform: CompiledTransform;
  readonly #textOf: ((line: number) => string | null) | null;
  #ordinals = new Int32Array(64);
  #codes = new Int32Array(64);
  #count = 0;

  /**
   * `textOf`: the text of a line that may be no JSON; null = all lines are our own, so that NULL in every field
   * is the truth (`\N` everywhere in CSV).
   */
  constructor(transform: CompiledTransform, textOf: ((line: number) => string | null) | null) {
    this.#transform = transform;
    this.#textOf = textOf;
  }

  /** Lines not written. */
  get count(): number {
    return this.#count;
  }

  onRow(ordinal: number, suspect: boolean, code: number): boolean {
    const unparsed = suspect && this.#textOf !== null && !this.#isAllNull(this.#textOf(ordinal));
    if (!unparsed && code === DROP_CODE.keep) return true;
    if (this.#count === this.#ordinals.length) this.#grow();
    this.#ordinals[this.#count] = ordinal;
    this.#codes[this.#count] = unparsed ? CODE_UNPARSED : code;
    this.#count += 1;
    return false;
  }

  /** Every line not written, in order. */
  forEach(visit: (line: number, code: number) => void): void {
    for (let index = 0; index < this.#count; index += 1)
      visit(this.#ordinals[index] ?? 0, this.#codes[index] ?? 0);
  }

  /** Whether the line is an object in which every field is absent or null, so that DuckDB's NULLs are the truth. */
  #isAllNull(text: string | null): boolean {
    const parsed = parseJson(text ?? '');
    if (!parsed.ok) return false;
    return this.#transform.fieldSteps.every(
      (steps) => (valueAt(parsed.value, steps) ?? null) === null,
    );
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
