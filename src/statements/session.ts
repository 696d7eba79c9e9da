// SET, SHOW VARIABLES, SHOW PROCESSLIST, KILL and the transaction words that clients send.
import { fail } from '../base/errors.ts';
import { maskSecrets } from '../base/secrets.ts';
import { analysisError } from '../loads/properties.ts';
import type { Requirement } from '../model/privilege.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { SetItem } from '../sql/ast/session.ts';
import { constantValue } from './query.ts';
import { filterRows } from './show-filter.ts';
import { type Handler, OK, type StatementContext, textRows } from './types.ts';
import { checkVariable, listVariables, SYSTEM_VARIABLES } from './variables.ts';
import { visibilityOf } from './visibility.ts';

export const setVariables: Handler<'set_variables'> = async (statement, context) => {
  for (const item of statement.items) await setOne(item, context);
  return OK;
};

async function setOne(item: SetItem, context: StatementContext): Promise<void> {
  const { session } = context;
  switch (item.kind) {
    case 'user':
      session.userVariables.set(item.name, await constantValue(item.value, context));
      return;
    case 'system': {
      const value =
        item.value.kind === 'default'
          ? (SYSTEM_VARIABLES[item.name]?.default ?? '')
          : await variableTextOf(item.value, context);
      await setSystem(item.name, value, item.scope === 'GLOBAL', context);
      return;
    }
    case 'names':
    case 'character_set':
      // Text is UTF-8 on this wire whatever the client calls it; an unknown name is still refused.
      checkCharset(item.charset ?? 'utf8mb4');
      return;
    case 'transaction':
      if (item.isolation !== null) {
        session.variables.set('transaction_isolation', item.isolation.replace(' ', '-'));
      }
      return;
  }
}

async function setSystem(
  name: string,
  value: string,
  global: boolean,
  { session, services }: StatementContext,
): Promise<void> {
  // Connector/J sends `SET character_set_results = NULL`.
  const checked = checkVariable(name, value);
  if (!global) {
    session.variables.set(name, checked);
    return;
  }
  await services.catalog.variables.set(name, checked);
  services.globals.set(name, checked);
}

async function variableTextOf(expression: Expression, context: StatementContext): Promise<string> {
  if (expression.kind === 'string') return expression.value;
  if (expression.kind === 'column') return expression.path.join('.');
  return (await constantValue(expression, context)).text ?? '';
}

const CHARSETS = ['utf8', 'utf8mb3', 'utf8mb4', 'latin1', 'ascii', 'binary', 'gbk', 'default'];

function checkCharset(charset: string): void {
  if (!CHARSETS.includes(charset.toLowerCase())) {
    throw analysisError(`Unknown character set: '${charset}'`);
  }
}

export const showVariables: Handler<'show_variables'> = async (
  statement,
  { session, services },
) => {
  const names = ['Variable_name', 'Value'];
  if (statement.kind === 'show_status') return textRows(names, []);
  const scope = statement.scope === 'GLOBAL' ? 'global' : 'session';
  return textRows(names, filterRows(names, listVariables(scope, session, services), statement));
};

export const showProcesslist: Handler<'show_processlist'> = async (_statement, context) => {
  const nowMs = context.services.clock.nowMs();
  const visible = await visibilityOf(context);
  return textRows(
    [
      'Id',
      'User',
      'Host',
      'Db',
      'Command',
      'ConnectionStartTime',
      'Time',
      'State',
      'Info',
      'IsPending',
    ],
    context.services.connections
      .list()
      .filter((entry) => visible.connection(entry))
      .map((entry) => [
        String(entry.connectionId),
        entry.principal.identity.name,
        entry.host,
        entry.database,
        entry.running === null ? 'Sleep' : 'Query',
        new Date(entry.connectedMs).toISOString().slice(0, 19).replace('T', ' '),
        String(Math.floor((nowMs - (entry.running?.startedMs ?? entry.connectedMs)) / 1000)),
        'OK',
        maskSecrets(entry.running?.sql ?? ''),
        'false',
      ]),
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

/** BEGIN, COMMIT, ROLLBACK: clients send them around single statements; each statement is its own transaction. */
export const transactionWord = async (): Promise<typeof OK> => OK;

export const showWarnings: Handler<'show_warnings'> = async () =>
  textRows(['Level', 'Code', 'Message'], []);
