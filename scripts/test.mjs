// npm test: set-up, then the tests under Node.js 24. Arguments go to Jest (`npm test -- src/core`).

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { becomeNode24, root, setup } from './setup.mjs';

await setup();
// An old line must never pass for the result of a run that died before its end.
fs.rmSync(path.join(root, '.portcullis/test-closing-line'), { force: true });
becomeNode24([path.join(root, 'node_modules/jest/bin/jest.js'), ...process.argv.slice(2)], {
  ...process.env,
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
});
