// Loaded into a measured program (`node --expose-gc --import FILE?into=FOLDER`): at each SIGUSR2 it collects garbage and
// leaves a file that says what the heap still holds. What is shipped knows nothing of it.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = new URL(import.meta.url).searchParams.get('into') ?? '';
let reports = 0;

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  reports += 1;
  const file = join(folder, `${process.pid}-${reports}.json`);
  writeFileSync(`${file}.part`, JSON.stringify({ heapUsed: process.memoryUsage().heapUsed }));
  renameSync(`${file}.part`, file);
});
