// npm run test:teeth: takes each check of the spine out, one at a time, and shows that a test fails. See docs/testing.md.

import { existsSync } from 'node:fs';
import module from 'node:module';
import process from 'node:process';
import { becomeNode24, setup } from './setup.mjs';

if (Number.parseInt(process.versions.node, 10) === 24) {
  // Node.js strips types, and leaves it to us that our sources import each other by the names that they compile to.
  module.registerHooks({
    resolve(specifier, context, next) {
      const source =
        specifier.startsWith('.') && new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
      return next(source && existsSync(source) ? source.href : specifier, context);
    },
  });
  const { main } = await import('../test/teeth/run.ts');
  process.exitCode = await main(process.argv.slice(2));
} else {
  await setup();
  becomeNode24(process.argv.slice(1));
}
