// How strongly operators bind: one table for the parser, which follows it, and the printer, which must
// put parentheses by it.

/** Binding powers, weakest first. A right operand is parsed one stronger: all operators lean left. SOURCE: StarRocks' grammar. */
export const POWER = {
  OR: 1,
  XOR: 2,
  AND: 3,
  NOT: 4,
  COMPARE: 5,
  PREDICATE: 6,
  SHIFT: 7,
  BIT_OR: 8,
  BIT_AND: 9,
  ADD: 10,
  MULTIPLY: 11,
  BIT_XOR: 12,
} as const;
