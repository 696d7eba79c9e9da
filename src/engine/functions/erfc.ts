// The complementary error function, to the last digits of a double. Math has none.

/** Below this the power series is quick and exact, above it the continued fraction is. */
const SERIES_UP_TO = 2.5;
const TERMS = 200;

/** 1 - erf(x): 2 at minus infinity, 1 at 0, 0 at infinity. SOURCE: Abramowitz & Stegun 7.1.5 and 7.1.14. */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x < 0) return 2 - erfc(-x);
  return x < SERIES_UP_TO ? 1 - seriesErf(x) : fractionErfc(x);
}

function seriesErf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < TERMS; n += 1) {
    term *= (-x * x) / n;
    const next = sum + term / (2 * n + 1);
    if (next === sum) break;
    sum = next;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function fractionErfc(x: number): number {
  let tail = x;
  for (let n = TERMS; n > 0; n -= 1) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}
