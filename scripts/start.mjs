// npm start: set-up, then the demo. Arguments go to the demo (`npm start -- --once`), its exit code comes back.

import path from 'node:path';
import process from 'node:process';
import { becomeNode24, root, setup } from './setup.mjs';

await setup();
becomeNode24(['--enable-source-maps', path.join(root, 'dist/demo/main.js'), ...process.argv.slice(2)]);
