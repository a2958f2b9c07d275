// npm run test:audit-go: audit logs, judged by Go's libraries for transparency logs, and by nothing less: without Go it fails.

import path from 'node:path';
import process from 'node:process';
import { installGoTools } from './go-tools.mjs';
import { becomeNode24, root, setup } from './setup.mjs';

await setup();
try {
  await installGoTools();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const tests = ['test/audit/go', 'test/orchestrator/audit-public'];
becomeNode24([path.join(root, 'node_modules/jest/bin/jest.js'), ...tests, ...process.argv.slice(2)], {
  ...process.env,
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
});
