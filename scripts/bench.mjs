// npm run bench: set-up, then the benchmarks. `npm run bench -- NAME… [--json FILE]`, `-- --list` names them.

import path from 'node:path';
import process from 'node:process';
import { becomeNode24, root, setup } from './setup.mjs';

await setup();
becomeNode24(['--enable-source-maps', path.join(root, 'dist/bench/main.js'), ...process.argv.slice(2)]);
