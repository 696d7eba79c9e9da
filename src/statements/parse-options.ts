// How a session's variables change the reading of its statements.
import { hasSqlMode } from '../query/sql-mode.ts';
import type { ParseOptions } from '../sql/parse.ts';
import type { Services, Session } from './types.ts';
import { variableText } from './variables.ts';

/** sql_mode PIPES_AS_CONCAT: `||` joins texts instead of meaning OR. */
export function parseOptions(
  session: Session,
  { globals }: Pick<Services, 'globals'>,
): ParseOptions {
  const sqlMode = variableText('sql_mode', 'session', session, globals) ?? '';
  return { pipesAsConcat: hasSqlMode(sqlMode, 'PIPES_AS_CONCAT') };
}
