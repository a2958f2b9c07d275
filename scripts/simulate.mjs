// npm run simulate: set-up, compiles the simulation (which is test code, and no part of what is built otherwise), and runs it.
// `npm run simulate -- [--seeds N] [--seed S] [--steps N] [--trace]`

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { becomeNode24, root, setup } from './setup.mjs';

await setup();
const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.simulation.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
const main = path.join(root, '.portcullis/simulation/test/simulation/main.js');
becomeNode24(['--enable-source-maps', main, ...process.argv.slice(2)]);
