// Finds the lines of CSV bytes, many at a time, and looks at their fields on the way. A module of WebAssembly
// (line-scan.wat) does it: a loop over single bytes in JavaScript costs three times as much for short rows and more for
// long ones. One module serves all loads, since a scan never waits.
import { LINE_SCAN_CODE } from './line-scan-code.ts';

/** What a field is looked at for: it may be anything, or should be spelled plainly for a type. */
export const FIELD_KIND = { text: 0, integer: 1, date: 2, datetime: 3 } as const;
export type FieldKind = (typeof FIELD_KIND)[keyof typeof FIELD_KIND];

/** Most bytes of a scan. */
export const SCAN_BYTES = 65_536;
/** Fields behind these are not looked at. */
const MAX_KINDS = 4000;
/** As line-scan.wat has it. */
const INPUT = 4096;
const STARTS = 81_920;
const LENGTHS = 344_064;
const PAD = new Uint8Array(64).fill(0x61);
const NEWLINE = 0x0a;

/** Of the fields and bytes that were scanned. */
const FLAG = { otherFields: 1, notPlain: 2, controls: 4, notAscii: 8, emptyRow: 16 } as const;

/** Of the types that come with browsers', not with Node. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Scanner {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly consumed: { readonly value: number };
  readonly longest: { readonly value: number };
  readonly flags: { readonly value: number };
  scan(length: number, base: number, separator: number, fields: number): number;
}

export interface LineScanOptions {
  /** One byte, none of NUL and line breaks. */
  readonly separator: number;
  /** A row should have so many fields. */
  readonly kinds: readonly FieldKind[];
}

class Module {
  readonly scanner: Scanner;
  readonly kinds: Uint8Array;
  readonly input: Uint8Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** Whose kinds are set. */
  user: LineScan | null = null;

  constructor() {
    const code = new WebAssembly.Module(Buffer.from(LINE_SCAN_CODE, 'base64'));
    this.scanner = new WebAssembly.Instance(code).exports as Scanner;
    const { buffer } = this.scanner.memory;
    this.kinds = new Uint8Array(buffer, 0, MAX_KINDS);
    this.input = new Uint8Array(buffer, INPUT, SCAN_BYTES + PAD.length);
    this.starts = new Int32Array(buffer, STARTS, SCAN_BYTES);
    this.lengths = new Int32Array(buffer, LENGTHS, SCAN_BYTES);
  }
}

let shared: Module | null = null;

/** Scans for one load. What `scan` found is valid until the next scan of any load. */
export class LineScan {
  readonly #separator: number;
  readonly #kinds: Uint8Array;
  readonly #fields: number;
  readonly #module: Module;
  /** Rows that end in what was scanned. */
  count = 0;
  /** Bytes of these rows with their line breaks. */
  consumed = 0;
  longestBytes = 0;
  #flags = 0;

  constructor({ separator, kinds }: LineScanOptions) {
    shared ??= new Module();
    this.#module = shared;
    this.#separator = separator;
    this.#kinds = Uint8Array.from(kinds.slice(0, MAX_KINDS));
    this.#fields = kinds.length;
  }

  /** Where each row starts; the first `count` are set. */
  get starts(): Int32Array {
    return this.#module.starts;
  }

  /** Bytes of each row, without its line break; the first `count` are set. */
  get lengths(): Int32Array {
    return this.#module.lengths;
  }

  /** Each row has something in it and as many fields as it should, and nothing that the engine's reader takes apart. */
  get areLines(): boolean {
    return (this.#flags & (FLAG.otherFields | FLAG.controls | FLAG.emptyRow)) === 0;
  }

  /** Fields whose kind is no text are spelled plainly, or `\N`. */
  get arePlain(): boolean {
    return (this.#flags & FLAG.notPlain) === 0;
  }

  get areAscii(): boolean {
    return (this.#flags & FLAG.notAscii) === 0;
  }

  /**
   * Scans `bytes[start, end)`, of which it takes at most SCAN_BYTES. What is said of rows holds for all of that, also
   * for the begun row at its end. With `closes` the end of the bytes is the end of a row, where any are left.
   */
  scan(bytes: Uint8Array, start: number, end: number, closes: boolean): void {
    const { scanner, input } = this.#use();
    const fits = Math.min(end - start, closes ? SCAN_BYTES - 1 : SCAN_BYTES);
    input.set(bytes.subarray(start, start + fits));
    let length = fits;
    if (closes && start + fits === end && bytes[end - 1] !== NEWLINE) {
      input[length] = NEWLINE;
      length += 1;
    }
    input.set(PAD, length);
    this.count = scanner.scan(length, start, this.#separator, this.#fields);
    this.consumed = Math.min(fits, scanner.consumed.value);
    this.longestBytes = scanner.longest.value;
    this.#flags = scanner.flags.value;
  }

  #use(): Module {
    const module = this.#module;
    if (module.user !== this) {
      module.kinds.fill(0);
      module.kinds.set(this.#kinds);
      module.user = this;
    }
    return module;
  }
}
