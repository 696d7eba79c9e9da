// PERCENTILE values: a merging t-digest of numbers. With compression 1000 it has at most about 1000
// centroids (16 KB); the error of the rank is below 0.1% in the middle and far smaller at the ends.
// SOURCE: Dunning and Ertl, "Computing extremely accurate quantiles using t-digests" (2019), scale
// function k1. The byte layout is our own: StarRocks shows no PERCENTILE bytes to clients.
import { ByteReader, ByteWriter } from './bytes.ts';

const COMPRESSION = 1000;
/** Values that wait before they are merged in. */
const MAX_PENDING = 4096;
const FORMAT_VERSION = 1;
/** More centroids than a digest of ours can have: a broken value. */
const MAX_CENTROIDS = 100_000;

interface Centroid {
  readonly mean: number;
  readonly weight: number;
}

export class TDigest {
  #centroids: readonly Centroid[] = [];
  #pending: Centroid[] = [];
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** NaN and infinities are left out. */
  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#push({ mean: value, weight: 1 });
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  merge(other: TDigest): void {
    for (const centroid of other.#centroids) this.#push(centroid);
    for (const centroid of other.#pending) this.#push(centroid);
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  #push(centroid: Centroid): void {
    this.#pending.push(centroid);
    if (this.#pending.length >= MAX_PENDING) this.#compress();
  }

  /** Joins neighbours as far as the scale function lets them: the middle coarse, the ends fine. */
  #compress(): void {
    if (this.#pending.length === 0) return;
    const sorted = [...this.#centroids, ...this.#pending].sort((a, b) => a.mean - b.mean);
    const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
    this.#pending = [];
    const merged: Centroid[] = [];
    let current: Centroid | null = null;
    let before = 0;
    let limit = total * quantileLimit(0);
    for (const next of sorted) {
      if (current !== null && before + current.weight + next.weight <= limit) {
        const weight: number = current.weight + next.weight;
        current = {
          mean: current.mean + ((next.mean - current.mean) * next.weight) / weight,
          weight,
        };
        continue;
      }
      if (current !== null) {
        merged.push(current);
        before += current.weight;
        limit = total * quantileLimit(before / total);
      }
      current = next;
    }
    if (current !== null) merged.push(current);
    this.#centroids = merged;
  }

  /** The value below which a share of `fraction` (0..1) lies; null when there are no values. */
  quantile(fraction: number): number | null {
    this.#compress();
    const { length } = this.#centroids;
    if (length === 0) return null;
    const total = this.#centroids.reduce((sum, { weight }) => sum + weight, 0);
    const rank = Math.min(1, Math.max(0, fraction)) * total;
    let [leftRank, leftValue] = [0, this.#min];
    let passed = 0;
    for (const { mean, weight } of this.#centroids) {
      // A centroid stands for the middle of its share; between two of them the value is interpolated.
      const middle = passed + weight / 2;
      if (rank < middle) return between(leftRank, leftValue, middle, mean, rank);
      [leftRank, leftValue] = [middle, mean];
      passed += weight;
    }
    return between(leftRank, leftValue, total, this.#max, rank);
  }

  encode(): Buffer {
    this.#compress();
    const out = new ByteWriter();
    out.u8(FORMAT_VERSION);
    out.u32(this.#centroids.length);
    if (this.#centroids.length > 0) {
      out.f64(this.#min);
      out.f64(this.#max);
    }
    for (const { mean, weight } of this.#centroids) {
      out.f64(mean);
      out.f64(weight);
    }
    return out.done();
  }

  /** @throws MalformedSketch */
  static decode(bytes: Uint8Array): TDigest {
    const reader = new ByteReader(bytes, 'PERCENTILE value');
    if (reader.u8() !== FORMAT_VERSION) throw reader.malformed();
    const count = reader.u32();
    if (count > MAX_CENTROIDS || count * 16 > reader.left) throw reader.malformed();
    const digest = new TDigest();
    if (count > 0) {
      digest.#min = reader.f64();
      digest.#max = reader.f64();
    }
    const centroids: Centroid[] = [];
    for (let index = 0; index < count; index += 1) {
      const centroid = { mean: reader.f64(), weight: reader.f64() };
      if (!Number.isFinite(centroid.mean) || !(centroid.weight > 0)) throw reader.malformed();
      centroids.push(centroid);
    }
    digest.#centroids = centroids;
    reader.end();
    return digest;
  }
}

/** The largest share that a centroid beginning at share `from` may end at. */
function quantileLimit(from: number): number {
  const k = (COMPRESSION / (2 * Math.PI)) * Math.asin(2 * Math.min(1, from) - 1) + 1;
  const angle = (k * 2 * Math.PI) / COMPRESSION;
  return angle >= Math.PI / 2 ? 1 : (Math.sin(angle) + 1) / 2;
}

function between(
  leftRank: number,
  leftValue: number,
  rightRank: number,
  rightValue: number,
  rank: number,
): number {
  if (rightRank <= leftRank) return rightValue;
  return leftValue + ((rightValue - leftValue) * (rank - leftRank)) / (rightRank - leftRank);
}
