// ORC's run-length encodings of bytes and bits. SOURCE: ORC Specification v1, "Byte Run Length Encoding".
import type { OrcStream } from './stream.ts';

const MIN_RUN = 3;

export class ByteRuns {
  readonly #stream: OrcStream;
  #left = 0;
  #isRun = false;
  #value = 0;

  constructor(stream: OrcStream) {
    this.#stream = stream;
  }

  next(): number {
    if (this.#left === 0) {
      const control = this.#stream.byte();
      this.#isRun = control < 128;
      this.#left = this.#isRun ? control + MIN_RUN : 256 - control;
      if (this.#isRun) this.#value = this.#stream.byte();
    }
    this.#left -= 1;
    return this.#isRun ? this.#value : this.#stream.byte();
  }
}

/** Bits, the highest of a byte first. */
export class BitRuns {
  readonly #bytes: ByteRuns;
  #byte = 0;
  #left = 0;

  constructor(stream: OrcStream) {
    this.#bytes = new ByteRuns(stream);
  }

  /** 1 or 0 for each of `count` values. */
  read(count: number): Uint8Array {
    const bits = new Uint8Array(count);
    for (let index = 0; index < count; index += 1) {
      if (this.#left === 0) {
        this.#byte = this.#bytes.next();
        this.#left = 8;
      }
      this.#left -= 1;
      bits[index] = (this.#byte >> this.#left) & 1;
    }
    return bits;
  }
}
