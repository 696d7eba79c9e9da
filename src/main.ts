// The `millrace` command. Says so clearly when started on a Node that is too old, then hands over.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `millrace needs Node 24 or newer, this is ${process.version}: use the npm scripts (npm start), which bring their own\n`,
  );
  process.exit(2);
}
const [first, ...rest] = process.argv.slice(2);
if (first === 'child') {
  // Loads nothing of the FE or the command line.
  const { runChild } = await import('./roles/child-main.ts');
  await runChild(rest[0] ?? '');
} else {
  if (first === 'start') {
    const { startWithHeapFlags } = await import('./roles/heaps.ts');
    startWithHeapFlags();
  }
  const { runCommand } = await import('./cli/command.ts');
  process.exitCode = await runCommand(process.argv.slice(2));
  // Everything was stopped: whatever a library still holds must not keep a server from ending.
  if (first === 'start') process.exit();
}

export {};
