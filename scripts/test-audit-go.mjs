// npm run test:audit-go: audit logs, judged by Go's libraries for transparency logs. It installs Debian's Go first, about
// 80 MB, which is why npm test runs these tests only where Go is there already.

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { becomeNode24, installSystemPackages, onPath, root, setup } from './setup.mjs';

const PACKAGES = [
  { name: 'golang-go', there: () => onPath('go') },
  {
    name: 'golang-golang-x-mod-dev',
    there: () => fs.existsSync('/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog/tlog.go'),
  },
];

await setup();
if (!PACKAGES.every(({ there }) => there())) {
  try {
    await installSystemPackages(PACKAGES);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
becomeNode24([path.join(root, 'node_modules/jest/bin/jest.js'), 'test/audit/go', ...process.argv.slice(2)], {
  ...process.env,
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
});
