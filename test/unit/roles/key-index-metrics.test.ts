// The key index's figures as metrics: sizes as they are, counts that never fall, also when the process began anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyIndexMetrics } from '../../../src/roles/key-index-metrics.ts';
import { openMetrics } from '../../../src/telemetry/metrics.ts';

test('counts add up over a restart of the process; sizes are the last ones', async () => {
  const metrics = openMetrics();
  const seen = new KeyIndexMetrics(metrics);
  const sizes = { files: 3, bytes: 1000, memoryBytes: 70 };
  seen.note({ ...sizes, builds: 5, failedBuilds: 1, indexedLookUps: 40, readLookUps: 9 });
  seen.note({ ...sizes, builds: 6, failedBuilds: 1, indexedLookUps: 50, readLookUps: 9 });
  // Started anew.
  seen.note({ ...sizes, files: 2, builds: 2, failedBuilds: 0, indexedLookUps: 7, readLookUps: 1 });
  const text = await metrics.text();
  for (const line of [
    'millrace_key_index_files 2',
    'millrace_key_index_bytes{where="disk"} 1000',
    'millrace_key_index_bytes{where="memory"} 70',
    'millrace_key_index_builds_total{result="done"} 8',
    'millrace_key_index_builds_total{result="failed"} 1',
    'millrace_key_look_ups_total{path="index"} 57',
    'millrace_key_look_ups_total{path="files"} 10',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line} in\n${text}`);
  }
});
