// What Go judges audit logs with: its compiler, and its libraries for transparency logs. The tests that need it are skipped
// without it, and say so.

import fs from 'node:fs';
import { installSystemPackages, onPath } from './setup.mjs';

const PACKAGES = [
  { name: 'golang-go', there: () => onPath('go') },
  {
    name: 'golang-golang-x-mod-dev',
    there: () => fs.existsSync('/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog/tlog.go'),
  },
];

/** Throws with what a person has to do where it cannot install what is missing. */
export async function installGoTools() {
  if (PACKAGES.every(({ there }) => there())) return;
  console.log('  … Go                   Debian packages, about 80 MB: it judges our audit logs');
  await installSystemPackages(PACKAGES);
  console.log('  ✓ Go');
}
