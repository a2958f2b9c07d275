// npm run imports: checks the table of .dependency-cruiser.mjs against every TypeScript source.
//   node scripts/check-imports.mjs [--root FOLDER] [--json]
// It fails when dependency-cruiser has seen fewer modules than there are files: a parser that gives up says
// "no violations" too. `--root` checks another tree by the same rules (the tests' planted violations).

import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { becomeNode24, root, setup } from './setup.mjs';

const FOLDERS = ['src', 'hardware', 'verifier', 'devnet', 'demo', 'bench', 'test'];

const { values } = parseArgs({ options: { root: { type: 'string' }, json: { type: 'boolean' } } });

// dependency-cruiser wants a newer Node.js than the one that may have started this script.
if (Number.parseInt(process.versions.node, 10) === 24) process.exitCode = await check();
else {
  await setup();
  becomeNode24(process.argv.slice(1));
}

async function check() {
  const { cruise } = await import('dependency-cruiser');
  const { default: config } = await import('../.dependency-cruiser.mjs');
  const baseDir = path.resolve(values.root ?? root);
  const folders = FOLDERS.filter((folder) => fs.existsSync(path.join(baseDir, folder)));
  const options = { ...config.options, baseDir, validate: true, ruleSet: { forbidden: config.forbidden } };
  // Listed first, so that a file which appears meanwhile is not missed.
  const sources = folders.flatMap((folder) => sourcesBelow(baseDir, folder));
  const { output } = await cruise(folders, options);

  const seen = new Set(output.modules.map(({ source }) => source));
  const missed = sources.filter((file) => !seen.has(file));
  const violations = output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  const modules = [...seen].filter((source) => !source.includes('node_modules/')).length;

  if (values.json) console.log(JSON.stringify({ modules, missed, violations }));
  else {
    const comments = new Map(config.forbidden.map(({ name, comment }) => [name, comment]));
    for (const { rule, from, to } of violations)
      console.log(`✗ ${from} → ${to}\n    ${rule}: ${comments.get(rule)}`);
    for (const file of missed) console.log(`✗ ${file} was not seen`);
    if (modules === 0) console.log('✗ no module was seen at all');
    console.log(`imports: ${modules} modules, ${violations.length} violations`);
  }
  return violations.length === 0 && missed.length === 0 && modules > 0 ? 0 : 1;
}

function sourcesBelow(baseDir, folder) {
  const files = [];
  for (const entry of fs.readdirSync(path.join(baseDir, folder), { withFileTypes: true })) {
    const inner = path.posix.join(folder, entry.name);
    if (entry.name === 'node_modules') continue;
    if (entry.isDirectory()) files.push(...sourcesBelow(baseDir, inner));
    else if (entry.name.endsWith('.ts')) files.push(inner);
  }
  return files;
}
