// npm test: set-up, then the tests under Node.js 24. Arguments go to Jest (`npm test -- src/core`).

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { installGoTools } from './go-tools.mjs';
import { becomeNode24, root, setup } from './setup.mjs';

await setup();
// A whole run has others judge what is ours. Where they cannot be had it goes on, and those tests are counted as skipped.
if (process.argv.length === 2) {
  await installGoTools().catch((error) => console.log(`  ! no Go, so no judgement of it\n${error.message}`));
}
// An old line must never pass for the result of a run that died before its end.
fs.rmSync(path.join(root, '.portcullis/test-closing-line'), { force: true });
becomeNode24([path.join(root, 'node_modules/jest/bin/jest.js'), ...process.argv.slice(2)], {
  ...process.env,
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
});
