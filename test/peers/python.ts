// A Python with the pinned packages of python/requirements.txt, in a virtual environment below .peers/.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aptInstall, debianProgram, installedFolder, run, runOk } from './processes.ts';

const FOLDER = join(import.meta.dirname, 'python');

/** Folder of an environment with the packages of a file in python/; installed once per text of that file. */
async function pythonFolder(requirements = 'requirements.txt'): Promise<string> {
  const path = join(FOLDER, requirements);
  const digest = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return installedFolder(`python-${digest.slice(0, 12)}`, async (draft) => {
    const python = await debianProgram('python3', 'python3');
    let made = await run(python, ['-m', 'venv', draft]);
    if (made.code !== 0) {
      // Debian keeps ensurepip in a package of its own.
      await aptInstall('python3-venv');
      made = await run(python, ['-m', 'venv', '--clear', draft]);
    }
    if (made.code !== 0) throw new Error(`python3 -m venv failed\n${made.stdout}\n${made.stderr}`);
    const pip = ['-m', 'pip', 'install', '-q', '--only-binary', ':all:', '-r', path];
    await runOk(join(draft, 'bin', 'python'), pip, { timeoutMs: 600_000 });
  });
}

/** Path of that environment's `python`. */
export async function pythonVenv(requirements?: string): Promise<string> {
  return join(await pythonFolder(requirements), 'bin', 'python');
}

/** Runs one of the programs in python/; what it printed, line by line. Throws unless it ended with 0. */
export async function pythonStory(
  requirements: string,
  story: string,
  args: readonly string[],
  timeoutMs = 180_000,
): Promise<string[]> {
  const python = await pythonVenv(requirements);
  const printed = await runOk(python, [join(FOLDER, story), ...args], { timeoutMs });
  return printed.trim().split('\n');
}
