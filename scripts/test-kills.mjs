// npm run test:kills: the long tests, in which programs are killed and everything around them misbehaves for minutes. They
// are named *.ordeal.spec.ts, and npm test leaves them out. KILL_SEED repeats the choices of a run that printed its seed.

import path from 'node:path';
import process from 'node:process';
import { becomeNode24, root, setup } from './setup.mjs';

await setup();
const options = ['--testMatch', '**/*.ordeal.spec.ts', '--testPathIgnorePatterns', '/node_modules/'];
// One after the other: each has programs, nodes and a database of its own, and measures how long it waits for them.
options.push('--maxWorkers', '1', '--reporters', 'default', '--verbose');
// Last what adds up where the others have killed.
options.push('--testSequencer', path.join(root, 'test/survival/in-order.mjs'));
becomeNode24([path.join(root, 'node_modules/jest/bin/jest.js'), ...options, ...process.argv.slice(2)], {
  ...process.env,
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
});
