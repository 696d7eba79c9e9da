// The value of sql_mode: names or MySQL's bit mask -> is a mode on.

/** Modes that change what a statement means, with their bit in a numeric sql_mode. SOURCE: StarRocks' SqlModeHelper, MySQL. */
const MODE_BITS = {
  PIPES_AS_CONCAT: 2,
  ONLY_FULL_GROUP_BY: 32,
} as const;

/** @param value what the session variable holds: `A,B` in any letter case, or a number. */
export function hasSqlMode(value: string, mode: keyof typeof MODE_BITS): boolean {
  const text = value.trim();
  if (/^\d{1,15}$/.test(text)) return Math.floor(Number(text) / MODE_BITS[mode]) % 2 === 1;
  return text.split(',').some((name) => name.trim().toUpperCase() === mode);
}
