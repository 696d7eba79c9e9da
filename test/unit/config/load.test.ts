// fe.conf and cn.conf: what is read, what is refused with file and line, and what an fe.conf means for
// the built-in storage volume.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { CONFIG_ITEMS, CONFIG_LIMITS, type ConfigKey } from '../../../src/config/items.ts';
import { type Config, loadConfig } from '../../../src/config/load.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-conf-'));
after(() => rmSync(directory, { recursive: true, force: true }));

function load(files: Readonly<Record<string, string>>): Config {
  return loadConfig(
    Object.entries(files).map(([name, text]) => {
      const path = join(directory, name);
      writeFileSync(path, text);
      return path;
    }),
  );
}

const hintOf = (text: string): string => {
  try {
    load({ 'fe.conf': text });
  } catch (error) {
    if (error instanceof AppError) return error.hint;
  }
  return '';
};

const refuses = (text: string, message: RegExp): void => {
  assert.throws(() => load({ 'fe.conf': text }), message);
};

test('defaults without any file', () => {
  const config = loadConfig([]);
  assert.equal(config.int('query_port'), 9030);
  assert.equal(config.text('bind_host'), '127.0.0.1');
  assert.equal(config.bool('enable_load_volume_from_conf'), false);
  assert.equal(config.hasFeConf, false);
});

test("the seeds' files are read: blanks, comments, CRLF, values with =", () => {
  const config = load({
    'fe.conf': [
      '# config for shared data',
      'run_mode = shared_data',
      'cloud_native_storage_type = S3',
      'aws_s3_endpoint = minio:9000',
      '',
      '  aws_s3_path=starrocks  ',
      'aws_s3_secret_key = BBBB==',
      'aws_s3_use_instance_profile = FALSE',
      'enable_load_volume_from_conf = True',
      'JAVA_OPTS="-Xmx8g -Dx=y"',
    ].join('\r\n'),
    'cn.conf': 'sys_log_level = WARN\nbe_port = 9060\nstarlet_port = 9070\n',
  });
  assert.equal(config.text('aws_s3_path'), 'starrocks');
  assert.equal(config.text('aws_s3_secret_key'), 'BBBB==');
  assert.equal(config.bool('enable_load_volume_from_conf'), true);
  assert.equal(config.text('sys_log_level'), 'WARN');
  assert.equal(config.hasFeConf, true);
});

test('later files win; a cn.conf alone is no fe.conf', () => {
  const config = load({ 'a.conf': 'query_port = 1', 'b.conf': 'query_port = 2' });
  assert.equal(config.int('query_port'), 2);
  assert.equal(load({ 'cn.conf': 'sys_log_level = INFO' }).hasFeConf, false);
  assert.equal(load({ 'cn.conf': 'aws_s3_path = b' }).hasFeConf, true);
  assert.equal(load({ 'fe.conf': '' }).hasFeConf, true);
});

test('what is wrong is named with file, line and the way out', () => {
  refuses('query_port = 9030\nquery_prot = 1', /fe\.conf:2: unknown key 'query_prot'/);
  assert.equal(hintOf('query_prot = 1'), "did you mean 'query_port'?");
  refuses('query_port 9030', /fe\.conf:1: 'query_port \.\.\.' is not key = value/);
  refuses('query_port = x', /query_port = 'x' is not a whole number/);
  refuses('query_port = -1', /query_port = '-1' is not 0 or more/);
  refuses('query_port = 65536', /query_port = '65536' is not 65535 or less/);
  refuses('rpc_timeout_millisecond = 0', /is not 10 or more/);
  refuses('routine_load_scheduler_interval_millisecond = 0', /is not 10 or more/);
  refuses('max_routine_load_task_concurrent_num = 0', /is not 1 or more/);
  refuses('query_timeout_second = 99999999999', /is not 2000000 or less/);
  refuses('sys_log_level = LOUD', /is not one of DEBUG, INFO, WARN, ERROR, FATAL/);
  refuses('run_mode = shared_nothing', /is not one of shared_data/);
  refuses('cloud_native_storage_type = HDFS', /is not one of S3/);
  refuses('enable_load_volume_from_conf = yes', /is not true or false/);
  refuses('toString = 1', /unknown key 'toString'/);
  assert.throws(() => loadConfig([join(directory, 'nosuch')]), /nosuch: cannot be read/);
});

test('a broken line does not give its secret away', () => {
  assert.throws(
    () => load({ 'fe.conf': 'aws_s3_secret_key BBBBBBBB' }),
    (error: unknown) => error instanceof Error && !error.message.includes('BBBB'),
  );
});

test('every default keeps its own limits', () => {
  const keys = Object.keys(CONFIG_LIMITS) as ConfigKey[];
  const lines = keys.map((key) => `${key} = ${CONFIG_ITEMS[key].default}`);
  assert.equal(load({ 'fe.conf': lines.join('\n') }).int('query_port'), 9030);
});
