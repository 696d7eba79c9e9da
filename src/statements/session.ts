// SET, SHOW VARIABLES, SHOW PROCESSLIST, SHOW WARNINGS and KILL.
import { fail } from '../base/errors.ts';

import { analysisError } from '../loads/properties.ts';
import type { Requirement } from '../model/privilege.ts';
import type { UserValue } from '../query/catalog.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { SetItem, SetSystemVariable, SetTransaction } from '../sql/ast/session.ts';
import { redactStatement } from '../sql/redact.ts';
import { viewContext } from './information-schema/system-databases.ts';
import { constantValue } from './query.ts';
import { limitRows } from './show/order.ts';
import { filterRows } from './show-filter.ts';
import { type Handler, OK, type Session, type StatementContext, textRows } from './types.ts';
import { SYSTEM_VARIABLES } from './variable-table.ts';
import { checkSettable, checkVariable, defaultOf, listVariables } from './variables.ts';

export const setVariables: Handler<'set_variables'> = async (statement, context) => {
  for (const item of statement.items) await setOne(item, context);
  return OK;
};

async function setOne(item: SetItem, context: StatementContext): Promise<void> {
  const { session } = context;
  switch (item.kind) {
    case 'user':
      setUserVariable(session, item.name, await constantValue(item.value, context));
      return;
    case 'system':
      await setSystem(item, context);
      return;
    case 'names':
      setNames(item.charset ?? DEFAULT_CHARSET, item.collation, context.session);
      return;
    case 'character_set':
      setNames(item.charset ?? DEFAULT_CHARSET, null, context.session);
      return;
    case 'transaction':
      await setTransaction(item, context);
      return;
  }
}

/** Characters of all user variables of a session: they live as long as it does. */
const MAX_USER_VARIABLES_LENGTH = 64 * 1024 * 1024;
const MAX_USER_VARIABLES = 10_000;

/** Throws LIMIT_EXCEEDED where the session's variables would take too much. */
function setUserVariable({ userVariables }: Session, name: string, value: UserValue): void {
  let length = value.text?.length ?? 0;
  for (const [other, { text }] of userVariables) {
    if (other !== name) length += text?.length ?? 0;
  }
  if (length > MAX_USER_VARIABLES_LENGTH) {
    throw fail('LIMIT_EXCEEDED', {
      what: 'the length of all user variables of a session',
      actual: length,
      limit: MAX_USER_VARIABLES_LENGTH,
    });
  }
  if (!userVariables.has(name) && userVariables.size >= MAX_USER_VARIABLES) {
    throw fail('LIMIT_EXCEEDED', {
      what: 'the number of user variables of a session',
      actual: userVariables.size + 1,
      limit: MAX_USER_VARIABLES,
    });
  }
  userVariables.set(name, value);
}

/** SET x = DEFAULT takes the global value, SET GLOBAL x = DEFAULT the one of the table. */
async function setSystem(item: SetSystemVariable, context: StatementContext): Promise<void> {
  const { session } = context;
  const scope = item.scope === 'GLOBAL' ? 'global' : 'session';
  const isDefault = item.value.kind === 'default';
  checkSettable(item.name, scope);
  if (isDefault && scope === 'session') {
    for (const name of synonyms(item.name)) session.variables.delete(name);
    return;
  }
  const value = isDefault ? defaultOf(item.name) : await variableTextOf(item.value, context);
  await store(item.name, value, scope, context);
}

async function store(
  name: string,
  value: string,
  scope: 'session' | 'global',
  { session, services }: StatementContext,
): Promise<void> {
  // Connector/J sends `SET character_set_results = NULL`.
  const checked = checkVariable(name, value, scope);
  for (const each of synonyms(name)) {
    if (scope === 'session') session.variables.set(each, checked);
    else {
      await services.catalog.variables.set(each, checked);
      services.globals.set(each, checked);
    }
  }
}

/** Old and new names of the same variable. */
const SYNONYMS: readonly (readonly [string, string])[] = [
  ['tx_isolation', 'transaction_isolation'],
  ['tx_read_only', 'transaction_read_only'],
];

function synonyms(name: string): readonly string[] {
  return SYNONYMS.find((pair) => pair.includes(name)) ?? [name];
}

/** Every statement sees one version of its tables whatever the level; it is kept and shown. */
async function setTransaction(item: SetTransaction, context: StatementContext): Promise<void> {
  const scope = item.scope === 'GLOBAL' ? 'global' : 'session';
  if (item.isolation !== null) {
    await store('transaction_isolation', item.isolation.replace(' ', '-'), scope, context);
  }
  if (item.access !== null) {
    await store('transaction_read_only', String(item.access === 'READ ONLY'), scope, context);
  }
}

async function variableTextOf(expression: Expression, context: StatementContext): Promise<string> {
  if (expression.kind === 'string') return expression.value;
  if (expression.kind === 'column') return expression.path.join('.');
  return (await constantValue(expression, context)).text ?? '';
}

const DEFAULT_CHARSET = 'utf8mb4';
const UTF8: readonly string[] = ['utf8', 'utf8mb3', 'utf8mb4'];
/** Names that old drivers send although they speak UTF-8. */
const OTHERS: readonly string[] = ['latin1', 'ascii', 'binary', 'gbk', 'default'];

/** Text is UTF-8 on this wire whatever the client calls it; an unknown name is still refused. */
function setNames(charset: string, collation: string | null, session: Session): void {
  const name = charset.toLowerCase();
  if (!UTF8.includes(name) && !OTHERS.includes(name)) {
    throw analysisError(`Unknown character set: '${charset}'`);
  }
  const shown = UTF8.includes(name) ? name : DEFAULT_CHARSET;
  for (const variable of ['client', 'connection', 'results']) {
    session.variables.set(`character_set_${variable}`, shown);
  }
  session.variables.set('collation_connection', collation ?? `${shown}_general_ci`);
}

export const showVariables: Handler<'show_variables'> = async (
  statement,
  { session, services },
) => {
  const scope = statement.scope === 'GLOBAL' ? 'global' : 'session';
  const rows = listVariables(scope, session, services);
  if (!statement.verbose) {
    const names = ['Variable_name', 'Value'];
    return textRows(names, filterRows(names, rows, statement));
  }
  const names = ['Variable_name', 'Value', 'Default_value', 'Is_changed'];
  const verbose = rows.map(([name = '', value = '']) => {
    const initial = SYSTEM_VARIABLES[name]?.default ?? '';
    return [name, value, initial, value === initial ? '0' : '1'];
  });
  return textRows(names, filterRows(names, verbose, statement));
};

/** Letters of a statement that the list shows without FULL. */
const SHORT_INFO = 100;

export const showProcesslist: Handler<'show_processlist'> = async ({ full }, context) => {
  const { services } = context;
  const { time, visible } = await viewContext(context);
  const nowMs = services.clock.nowMs();
  const names =
    'Id User Host Db Command ConnectionStartTime Time State Info IsPending Warehouse'.split(' ');
  return textRows(
    names,
    services.connections
      .list()
      .filter((entry) => visible.connection(entry))
      .map((entry) => {
        const sinceMs = entry.running?.startedMs ?? entry.connectedMs;
        const info = redactStatement(entry.running?.sql ?? '');
        return [
          String(entry.connectionId),
          entry.principal.identity.name,
          entry.host,
          entry.database,
          entry.running === null ? 'Sleep' : 'Query',
          time(entry.connectedMs),
          String(Math.floor((nowMs - sinceMs) / 1000)),
          'OK',
          full ? info : info.slice(0, SHORT_INFO),
          'false',
          'default_warehouse',
        ];
      }),
  );
};

export const kill: Handler<'kill'> = async (statement, context) => {
  await killConnection(statement.id, statement.target === 'QUERY', context);
  return OK;
};

/** Own connections, with OPERATE on SYSTEM every one. Throws UNKNOWN_CONNECTION, NOT_AUTHORIZED. */
export async function killConnection(
  idText: string,
  queryOnly: boolean,
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
): Promise<void> {
  const id = Number(idText);
  const target = services.connections.list().find((entry) => entry.connectionId === id);
  const { principal } = session;
  const isOwn = target?.principal.identity.name === principal.identity.name;
  if (target !== undefined && !isOwn) await services.access.check(principal, [OPERATE]);
  // One that has not logged in yet belongs to nobody.
  const mayTry = target !== undefined || services.access.view.isRoot(principal);
  if (!mayTry || !Number.isSafeInteger(id) || !services.connections.kill(id, queryOnly)) {
    throw fail('UNKNOWN_CONNECTION', { id: idText });
  }
}

const OPERATE: Requirement = { anyOf: ['OPERATE'], on: { type: 'SYSTEM' } };

/** MySQL's ER_UNKNOWN_ERROR: what warnings without a number of their own have. */
const WARNING_CODE = '1105';

/** What the statement before left behind. Errors are answers, they are not kept. */
export const showWarnings: Handler<'show_warnings'> = async (
  { kind, count, limit },
  { session },
) => {
  const left = kind === 'show_errors' ? [] : session.warnings.left;
  if (count) {
    const name = kind === 'show_errors' ? '@@session.error_count' : '@@session.warning_count';
    return textRows([name], [[String(left.length)]]);
  }
  const rows = left.map((message) => ['Warning', WARNING_CODE, message]);
  return textRows(['Level', 'Code', 'Message'], limitRows(rows, limit));
};
