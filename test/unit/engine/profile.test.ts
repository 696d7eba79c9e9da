// DuckDB's profile as lines: operators with rows and time, no path and no generated SQL.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { profileLines } from '../../../src/engine/profile.ts';

test('operators are indented below what reads them, with what they tell about themselves', () => {
  const profile = {
    latency: 0.5,
    system_peak_buffer_memory: 1024,
    cumulative_rows_scanned: 4000,
    query_name: 'SELECT secret',
    children: [
      {
        operator_type: 'EXPLAIN_ANALYZE',
        children: [
          {
            operator_type: 'HASH_GROUP_BY',
            operator_name: 'HASH_GROUP_BY',
            operator_timing: 0.001,
            operator_cardinality: 2,
            extra_info: { Groups: ['#0', '#1'], Projections: 'hidden' },
            children: [
              {
                operator_type: 'TABLE_SCAN',
                operator_name: 'READ_PARQUET ',
                operator_timing: 0.003,
                operator_cardinality: 9,
                extra_info: { 'Filename(s)': '/home/x', 'Total Files Read': '3' },
                children: [],
              },
            ],
          },
        ],
      },
    ],
  };
  assert.deepEqual(profileLines(JSON.stringify(profile)), [
    'Summary',
    '    TotalTime: 500.000ms',
    '    OperatorTime: 4.000ms',
    '    PeakMemory: 1024 bytes',
    '    ScanRows: 9',
    '    ResultRows: 2',
    'Operators',
    '    HASH_GROUP_BY [rows: 2, time: 1.000ms (25%)]',
    '      Groups: #0, #1',
    '        READ_PARQUET [rows: 9, time: 3.000ms (75%)]',
    '          Total Files Read: 3',
  ]);
});
