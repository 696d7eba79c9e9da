// Randomness comes through this interface so that a seed can repeat a run.
import { randomBytes, randomUUID } from 'node:crypto';

export interface Random {
  /** A random UUID (v4), lower case with dashes. */
  uuid(): string;
  /** Uniform integer in [0, below). */
  below(below: number): number;
  /** `count` random bytes, for salts and keys. */
  bytes(count: number): Buffer;
}

export const systemRandom: Random = {
  uuid: () => randomUUID(),
  below: (below) => randomBytes(6).readUIntBE(0, 6) % below,
  bytes: (count) => randomBytes(count),
};

/** A repeatable source (mulberry32). For tests and simulations only: never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const bytes = (count: number): Buffer =>
    Buffer.from(Array.from({ length: count }, () => next() & 0xff));
  return {
    uuid: () => {
      const hex = bytes(16).toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    },
    below: (below) => next() % below,
    bytes,
  };
}
