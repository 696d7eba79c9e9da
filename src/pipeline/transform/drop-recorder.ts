// Remembers which lines a running COPY did not write and why, and decides about lines that came out all
// NULL: truly so, or not parsed. Called on the JavaScript thread while the statement waits: quick.
import type { DropListener } from '../../engine/drop-function.ts';
import type { PackedBatch } from '../decode/packed-batch.ts';
import { type CompiledTransform, DROP_CODE } from './compile-sql.ts';
import { valueAt } from './json-path.ts';
import { parseJson } from './parse-json.ts';

/** A line that did not parse, beside the DROP_CODEs. */
export const CODE_UNPARSED = -2;

export class DropRecorder implements DropListener {
  readonly #packed: PackedBatch;
  readonly #transform: CompiledTransform;
  /** CSV lines are our own JSON: all NULL then means `\N` everywhere. */
  readonly #linesAreOurs: boolean;
  #ordinals = new Int32Array(64);
  #codes = new Int32Array(64);
  #count = 0;

  constructor(packed: PackedBatch, transform: CompiledTransform, linesAreOurs: boolean) {
    this.#packed = packed;
    this.#transform = transform;
    this.#linesAreOurs = linesAreOurs;
  }

  /** Lines not written. */
  get count(): number {
    return this.#count;
  }

  onRow(ordinal: number, suspect: boolean, code: number): boolean {
    const unparsed = suspect && !this.#linesAreOurs && !this.#isAllNull(ordinal);
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
  #isAllNull(line: number): boolean {
    const parsed = parseJson(this.#packed.rawOfLine(line).toString('utf8'));
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
