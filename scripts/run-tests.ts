// Runs test files with node:test and ends with the plain line `N passed, N failed`. Fails when no file
// or no test was found: a run that tests nothing must not look green. Usage: run-tests.ts GLOB...
// [--concurrency N] [--timeout-ms N]
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: '2' },
    'timeout-ms': { type: 'string', default: '120000' },
  },
});

const files = positionals.flatMap((pattern) => globSync(pattern)).sort();
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ')}`);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

let passed = 0;
let failed = 0;
const failures: string[] = [];
const stream = run({
  files,
  concurrency: Number(values.concurrency),
  timeout: Number(values['timeout-ms']),
  execArgv: ['--disable-warning=ExperimentalWarning'],
});
stream.on('test:pass', (event) => {
  // Files and suites are containers: only tests count.
  if (event.details.type !== 'suite' && !files.some((file) => event.name.endsWith(file)))
    passed += 1;
});
stream.on('test:fail', (event) => {
  if (event.details.type === 'suite') return;
  failed += 1;
  failures.push(`${event.file ?? ''}: ${event.name}`);
});
for await (const text of stream.compose(spec)) process.stdout.write(String(text));

if (passed === 0) failures.push('no test ran');
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`${passed} passed, ${Math.max(failed, failures.length)} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;
