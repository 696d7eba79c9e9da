// HLL values: HyperLogLog with 2^14 registers over 64-bit hashes; the standard error is 1.04 / sqrt(16384),
// about 0.8%, and sets of up to 160 values are counted exactly. Bytes are laid out as StarRocks' HLL columns.
// SOURCE: Flajolet et al. 2007; the four forms and the register rule as StarRocks' HLL header tells them; the
// estimate is Ertl's improved raw estimator ("New cardinality estimation algorithms for HyperLogLog
// sketches", 2017), which needs no table of corrections.
import { ByteReader, ByteWriter } from './bytes.ts';

const PRECISION = 14;
const REGISTERS = 1 << PRECISION;
/** Bits of a hash behind the register's number. */
const RANK_BITS = 64 - PRECISION;
const MAX_RANK = RANK_BITS + 1;
/** Up to so many different hashes are kept as they are. */
const MAX_EXPLICIT = 160;
/** Up to so many registers in use are written one by one. */
const MAX_SPARSE = 4096;

const FORM = { empty: 0, explicit: 1, sparse: 2, full: 3 } as const;

export class HyperLogLog {
  /** The hashes themselves while they are few; null once the registers count. */
  #explicit: Set<bigint> | null = new Set();
  #registers: Uint8Array | null = null;

  /** @param hash 64 bits, unsigned. */
  add(hash: bigint): void {
    if (this.#explicit !== null) {
      this.#explicit.add(hash);
      if (this.#explicit.size > MAX_EXPLICIT) this.#toRegisters();
      return;
    }
    update(this.#toRegisters(), hash);
  }

  merge(other: HyperLogLog): void {
    if (other.#explicit !== null) {
      for (const hash of other.#explicit) this.add(hash);
      return;
    }
    const own = this.#toRegisters();
    for (const [index, rank] of (other.#registers ?? []).entries()) {
      if (rank > (own[index] ?? 0)) own[index] = rank;
    }
  }

  #toRegisters(): Uint8Array {
    this.#registers ??= new Uint8Array(REGISTERS);
    for (const hash of this.#explicit ?? []) update(this.#registers, hash);
    this.#explicit = null;
    return this.#registers;
  }

  /** About how many different hashes were added. */
  estimate(): number {
    if (this.#explicit !== null) return this.#explicit.size;
    return Math.round(estimateOf(this.#registers ?? new Uint8Array(REGISTERS)));
  }

  encode(): Buffer {
    const out = new ByteWriter();
    if (this.#explicit !== null) {
      out.u8(this.#explicit.size === 0 ? FORM.empty : FORM.explicit);
      if (this.#explicit.size > 0) out.u8(this.#explicit.size);
      for (const hash of this.#explicit) out.u64(hash);
      return out.done();
    }
    const registers = this.#registers ?? new Uint8Array(REGISTERS);
    const used = registers.reduce((count, rank) => count + (rank > 0 ? 1 : 0), 0);
    if (used > MAX_SPARSE) {
      out.u8(FORM.full);
      out.bytes(registers);
      return out.done();
    }
    out.u8(FORM.sparse);
    out.u32(used);
    for (const [index, rank] of registers.entries()) {
      if (rank === 0) continue;
      out.u16(index);
      out.u8(rank);
    }
    return out.done();
  }

  /** @throws MalformedSketch */
  static decode(bytes: Uint8Array): HyperLogLog {
    const reader = new ByteReader(bytes, 'HLL value');
    const hll = new HyperLogLog();
    const form = reader.u8();
    switch (form) {
      case FORM.empty:
        break;
      case FORM.explicit:
        for (let count = reader.u8(); count > 0; count -= 1) hll.add(reader.u64());
        break;
      case FORM.sparse: {
        const registers = hll.#toRegisters();
        for (let count = reader.u32(); count > 0; count -= 1) {
          const index = reader.u16();
          if (index >= REGISTERS) throw reader.malformed();
          registers[index] = checkedRank(reader);
        }
        break;
      }
      case FORM.full: {
        const registers = hll.#toRegisters();
        for (let index = 0; index < REGISTERS; index += 1) registers[index] = checkedRank(reader);
        break;
      }
      default:
        throw reader.malformed();
    }
    reader.end();
    return hll;
  }
}

function checkedRank(reader: ByteReader): number {
  const rank = reader.u8();
  if (rank > MAX_RANK) throw reader.malformed();
  return rank;
}

/** Low bits choose the register; the place of the first one bit above them is the rank. */
function update(registers: Uint8Array, hash: bigint): void {
  const low = Number(hash & 0xffff_ffffn);
  const high = Number(hash >> 32n);
  const index = low & (REGISTERS - 1);
  const lowRest = low >>> PRECISION;
  const lowBits = 32 - PRECISION;
  const rank =
    lowRest !== 0
      ? trailingZeros(lowRest) + 1
      : high !== 0
        ? lowBits + trailingZeros(high | 0) + 1
        : MAX_RANK;
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function estimateOf(registers: Uint8Array): number {
  const counts = new Float64Array(MAX_RANK + 1);
  for (const rank of registers) counts[rank] = (counts[rank] ?? 0) + 1;
  let z = REGISTERS * tau(1 - (counts[MAX_RANK] ?? 0) / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank -= 1) z = 0.5 * (z + (counts[rank] ?? 0));
  z += REGISTERS * sigma((counts[0] ?? 0) / REGISTERS);
  return ((0.5 / Math.log(2)) * REGISTERS * REGISTERS) / z;
}

/** Ertl's sigma: the share of the registers that were never touched. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let [x, y, z] = [share, 1, share];
  for (let before = Number.NaN; z !== before; ) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

/** Ertl's tau: the share of the registers that are full. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let [x, y, z] = [share, 1, 1 - share];
  for (let before = Number.NaN; z !== before; ) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
