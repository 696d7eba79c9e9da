// Runs before `npm start` and `npm test`, on whatever Node the machine has (20 or newer), before
// node_modules exists: installs from the lockfile when it is missing or older. Plain JavaScript,
// because an old Node cannot run TypeScript.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(`millrace needs Node 20 or newer to install itself, this is ${process.version}`);
  process.exit(1);
}
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const stamp = join(root, 'node_modules', '.millrace-lock');
const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
if (!installed) {
  console.error('installing dependencies from package-lock.json ...');
  // Not `npm ci`: it refuses a lockfile without the binaries of other platforms, which a registry mirror
  // may not have. `install --no-save` takes the locked versions and leaves the lockfile as it is.
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const done = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error('npm install failed: see the lines above; is the package registry reachable?');
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
