// Reads bits, the highest of a byte first, from a range of bytes; behind its end come zeros, and `isOver` tells.

export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #bits = 0;
  #count = 0;

  open(bytes: Uint8Array, bitAt: number): void {
    this.#bytes = bytes;
    this.#at = bitAt >> 3;
    this.#bits = 0;
    this.#count = 0;
    this.drop(bitAt & 7);
  }

  /** How many bits of the range were read. */
  get bitAt(): number {
    return this.#at * 8 - this.#count;
  }

  /** Was more read than there is? */
  get isOver(): boolean {
    return this.bitAt > this.#bytes.length * 8;
  }

  /** The next bits without reading them: at most 24. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#bits = (this.#bits << 8) | (this.#bytes[this.#at] ?? 0);
      this.#at += 1;
      this.#count += 8;
    }
    return (this.#bits >>> (this.#count - count)) & ((1 << count) - 1);
  }

  /** Reads bits that `peek` showed, or passes over up to 24. */
  drop(count: number): void {
    if (this.#count < count) this.peek(count);
    this.#count -= count;
  }

  /** At most 24 bits. */
  read(count: number): number {
    const value = this.peek(count);
    this.#count -= count;
    return value;
  }
}
