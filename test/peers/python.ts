// A Python with the pinned packages of python/requirements.txt, in a virtual environment below .peers/.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aptInstall, debianProgram, installedFolder, run, runOk } from './processes.ts';

const REQUIREMENTS = join(import.meta.dirname, 'python', 'requirements.txt');

/** Path of the environment's `python`; installed once per text of requirements.txt. */
export async function pythonVenv(): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex');
  const folder = await installedFolder(`python-${digest.slice(0, 12)}`, async (draft) => {
    const python = await debianProgram('python3', 'python3');
    let made = await run(python, ['-m', 'venv', draft]);
    if (made.code !== 0) {
      // Debian keeps ensurepip in a package of its own.
      await aptInstall('python3-venv');
      made = await run(python, ['-m', 'venv', '--clear', draft]);
    }
    if (made.code !== 0) throw new Error(`python3 -m venv failed\n${made.stdout}\n${made.stderr}`);
    const pip = ['-m', 'pip', 'install', '-q', '--only-binary', ':all:', '-r', REQUIREMENTS];
    await runOk(join(draft, 'bin', 'python'), pip, { timeoutMs: 600_000 });
  });
  return join(folder, 'bin', 'python');
}
