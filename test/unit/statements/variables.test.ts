// System variables: defaults, scopes, checks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../../../src/statements/types.ts';
import { SYSTEM_VARIABLES } from '../../../src/statements/variable-table.ts';
import {
  checkVariable,
  listVariables,
  variableText,
  variableValue,
} from '../../../src/statements/variables.ts';
import { ROOT } from '../../support/principals.ts';

function session(variables: Readonly<Record<string, string>> = {}): Session {
  return {
    connectionId: 1,
    user: 'root',
    host: '127.0.0.1',
    principal: ROOT,
    connectedMs: 0,
    database: null,
    variables: new Map(Object.entries(variables)),
    userVariables: new Map(),
    prepared: new Map(),
    temporary: { used: false },
    counted: { questions: 0 },
    warnings: { left: [] },
    explicit: { transaction: null },
    running: null,
  };
}

test('a session value hides the global one, which hides the default', () => {
  const globals = new Map([['query_timeout', '60']]);
  const own = session({ query_timeout: '5' });
  assert.equal(variableText('query_timeout', 'session', own, globals), '5');
  assert.equal(variableText('query_timeout', 'global', own, globals), '60');
  assert.equal(variableText('query_timeout', 'session', session(), globals), '60');
  assert.equal(variableText('query_timeout', 'session', session(), new Map()), '300');
  assert.equal(variableText('nosuch', 'session', own, globals), undefined);
  assert.equal(variableText('constructor', 'session', own, globals), undefined);
});

test('values have the type that clients read', () => {
  const none = new Map<string, string>();
  assert.equal(variableValue('query_timeout', 'session', session(), none), 300n);
  assert.equal(variableValue('autocommit', 'session', session(), none), true);
  assert.equal(variableValue('time_zone', 'session', session(), none), 'Etc/UTC');
});

test('checks and stored forms', () => {
  const cases: readonly [string, string, string][] = [
    ['autocommit', 'ON', 'true'],
    ['autocommit', '0', 'false'],
    ['query_timeout', '10', '10'],
    ['time_zone', 'SYSTEM', 'Etc/UTC'],
    ['time_zone', '+8:00', '+08:00'],
    ['time_zone', 'CST', 'Asia/Shanghai'],
    ['sql_mode', '', ''],
    ['sql_mode', 'ANSI, pipes_as_concat', 'ANSI,pipes_as_concat'],
    ['sql_mode', '32', '32'],
    ['insert_max_filter_ratio', '0.5', '0.5'],
    ['spill_mode', 'FORCE', 'FORCE'],
    ['parallel_fragment_exec_instance_num', '8', '8'],
  ];
  for (const [name, value, stored] of cases) assert.equal(checkVariable(name, value), stored);
  const wrong: readonly [string, string, RegExp][] = [
    [
      'query_timeuot',
      '1',
      /Unknown system variable 'query_timeuot', the most similar variables are \{'query_timeout'/,
    ],
    ['constructor', '1', /Unknown system variable 'constructor'/],
    ['sql_mode', 'NO_SUCH_MODE', /can't be set to the value of 'NO_SUCH_MODE'/],
    ['spill_mode', 'sometimes', /can't be set/],
    ['pipeline_profile_level', '3', /can't be set/],
    ['enable_query_queue_select', 'true', /is a GLOBAL variable and should be set with SET GLOBAL/],
    ['version', '9', /Variable 'version' is a read only variable/],
    ['query_timeout', '0', /Variable 'query_timeout' can't be set to the value of '0'/],
    ['query_timeout', '1.5', /can't be set to the value of '1.5'/],
    ['query_timeout', '', /can't be set/],
    ['autocommit', 'perhaps', /can't be set to the value of 'perhaps'/],
    ['time_zone', 'Mars/Base', /can't be set to the value of 'Mars\/Base'/],
  ];
  for (const [name, value, message] of wrong) {
    assert.throws(() => checkVariable(name, value), message);
  }
});

test('every default passes its own check; the list is in order', () => {
  const listed = listVariables('session', session(), { globals: new Map() });
  assert.deepEqual(
    listed.map(([name]) => name),
    Object.keys(SYSTEM_VARIABLES).toSorted(),
  );
  for (const [name, row] of Object.entries(SYSTEM_VARIABLES)) {
    if (row.readOnly !== true) {
      assert.equal(checkVariable(name, row.default, 'global'), row.default, name);
    }
  }
});
