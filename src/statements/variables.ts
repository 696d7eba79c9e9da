// System variables: the one table of names, defaults and checks. Those clients read at connect are
// here; the ones that change what a statement does are marked. More come with the SQL issue.
import { analysisError } from '../loads/properties.ts';
import { storedTimeZone } from '../loads/time-zone.ts';
import type { SystemValue } from '../query/catalog.ts';
import type { Services, Session } from './types.ts';

export interface VariableRow {
  readonly type: 'text' | 'int' | 'bool' | 'ratio';
  readonly default: string;
  readonly readOnly?: true;
  readonly min?: number;
  readonly max?: number;
}

const text = (value: string): VariableRow => ({ type: 'text', default: value });
const int = (value: number, min = 0): VariableRow => ({ type: 'int', default: String(value), min });
const bool = (value: boolean): VariableRow => ({ type: 'bool', default: String(value) });
const ratio = (value: number): VariableRow => ({ type: 'ratio', default: String(value) });
const fixed = (row: VariableRow): VariableRow => ({ ...row, readOnly: true });

/** What VERSION() and the handshake say: clients parse it as a MySQL version. */
export const SERVER_VERSION = '8.0.33';
/** What CURRENT_VERSION() and version_comment say. */
export const PRODUCT_VERSION = '3.3.0-millrace';

export const SYSTEM_VARIABLES: Readonly<Record<string, VariableRow>> = {
  /** Every role of a user is active after login. */
  activate_all_roles_on_login: bool(false),
  auto_increment_increment: int(1, 1),
  autocommit: bool(true),
  character_set_client: text('utf8mb4'),
  character_set_connection: text('utf8mb4'),
  character_set_database: text('utf8mb4'),
  character_set_results: text('utf8mb4'),
  character_set_server: text('utf8mb4'),
  collation_connection: text('utf8mb4_general_ci'),
  collation_database: text('utf8mb4_general_ci'),
  collation_server: text('utf8mb4_general_ci'),
  enable_insert_strict: bool(true),
  init_connect: text(''),
  /** Share of rows that an INSERT may reject in strict mode, 0 to 1. */
  insert_max_filter_ratio: ratio(0),
  /** Seconds; the time limit of INSERT. */
  insert_timeout: int(14400, 1),
  /** Seconds; changes when an idle interactive connection is closed. */
  interactive_timeout: int(3600, 1),
  license: fixed(text('Apache License 2.0')),
  lower_case_table_names: fixed(int(0)),
  max_allowed_packet: int(67108864, 1024),
  /** Changes how many prepared statements a connection may hold. */
  max_prepared_stmt_count: { type: 'int', default: '4096', min: 0, max: 65_535 },
  net_buffer_length: int(16384),
  /** Seconds; changes how long a client may stall inside a packet. */
  net_read_timeout: int(60, 1),
  /** Seconds; changes how long a client may not take its result. */
  net_write_timeout: int(60, 1),
  performance_schema: fixed(bool(false)),
  query_cache_size: int(1048576),
  query_cache_type: int(0),
  /** Seconds; changes the time limit of queries. */
  query_timeout: int(300, 1),
  run_mode: fixed(text('shared_data')),
  sql_auto_is_null: bool(false),
  sql_mode: text('ONLY_FULL_GROUP_BY'),
  sql_safe_updates: int(0),
  sql_select_limit: text('9223372036854775807'),
  system_time_zone: fixed(text('Etc/UTC')),
  /** Changes time functions and the default of Routine Load's timezone. */
  time_zone: text('Etc/UTC'),
  transaction_isolation: text('READ-COMMITTED'),
  transaction_read_only: bool(false),
  tx_isolation: text('READ-COMMITTED'),
  tx_read_only: bool(false),
  version: fixed(text(SERVER_VERSION)),
  version_comment: fixed(text(`StarRocks version ${PRODUCT_VERSION}`)),
  /** Seconds; changes when an idle connection is closed. */
  wait_timeout: int(28800, 1),
};

/** A variable's text in a scope; undefined when unknown. */
export function variableText(
  name: string,
  scope: 'session' | 'global',
  session: Session,
  globals: ReadonlyMap<string, string>,
): string | undefined {
  const row = Object.hasOwn(SYSTEM_VARIABLES, name) ? SYSTEM_VARIABLES[name] : undefined;
  if (row === undefined) return undefined;
  const own = scope === 'session' ? session.variables.get(name) : undefined;
  return own ?? globals.get(name) ?? row.default;
}

/** The same, typed for `SELECT @@x`. */
export function variableValue(
  name: string,
  scope: 'session' | 'global',
  session: Session,
  globals: ReadonlyMap<string, string>,
): SystemValue | undefined {
  const value = variableText(name, scope, session, globals);
  if (value === undefined) return undefined;
  const type = SYSTEM_VARIABLES[name]?.type;
  if (type === 'int') return BigInt(value);
  if (type === 'bool') return value === 'true';
  return value;
}

/** Checks a new value; returns its stored form. Throws SQL_ANALYZE as StarRocks words it. */
export function checkVariable(name: string, value: string): string {
  const row = Object.hasOwn(SYSTEM_VARIABLES, name) ? SYSTEM_VARIABLES[name] : undefined;
  if (row === undefined) throw analysisError(`Unknown system variable '${name}'`);
  if (row.readOnly === true) throw analysisError(`Variable '${name}' is a read only variable`);
  const wrong = (): Error =>
    analysisError(`Variable '${name}' can't be set to the value of '${value}'`);
  switch (row.type) {
    case 'text':
      if (name === 'time_zone') return checkTimeZone(value, wrong);
      return value;
    case 'int': {
      if (!/^-?\d+$/.test(value)) throw wrong();
      if (Number(value) < (row.min ?? 0)) throw wrong();
      if (row.max !== undefined && Number(value) > row.max) throw wrong();
      return value;
    }
    case 'ratio':
      if (value.trim() === '' || !(Number(value) >= 0 && Number(value) <= 1)) throw wrong();
      return value.trim();
    case 'bool': {
      const lower = value.toLowerCase();
      if (['1', 'true', 'on'].includes(lower)) return 'true';
      if (['0', 'false', 'off'].includes(lower)) return 'false';
      throw wrong();
    }
  }
}

function checkTimeZone(value: string, wrong: () => Error): string {
  const zone = storedTimeZone(value);
  if (zone === null) throw wrong();
  return zone;
}

/** All variables of a scope as SHOW VARIABLES lists them. Booleans print as `true` and `false`. */
export function listVariables(
  scope: 'session' | 'global',
  session: Session,
  { globals }: Pick<Services, 'globals'>,
): string[][] {
  return Object.keys(SYSTEM_VARIABLES).map((name) => [
    name,
    variableText(name, scope, session, globals) ?? '',
  ]);
}
