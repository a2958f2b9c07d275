// Every import rule sees a violation of it. The violations are planted in a tree of their own, made for this test, and
// the real check runs over it; a rule that is added without one here fails the test.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { repositoryRoot } from '../devnet/paths.js';

interface Planted {
  readonly rule: string;
  readonly file: string;
  readonly imports: string;
}

interface Report {
  readonly modules: number;
  readonly missed: readonly string[];
  readonly violations: readonly { readonly rule: string; readonly from: string; readonly to: string }[];
}

const check = join(repositoryRoot, 'scripts', 'check-imports.mjs');

const PLANTED: readonly Planted[] = [
  { rule: 'core-folders', file: 'src/core/clock.ts', imports: '../platform/adapter.js' },
  { rule: 'core-packages', file: 'src/core/sends.ts', imports: 'ethers' },
  { rule: 'core-node', file: 'src/core/reads.ts', imports: 'node:fs' },
  { rule: 'signer-protocol-folders', file: 'src/signer-protocol/borrows.ts', imports: '../signer/keeper.js' },
  { rule: 'signer-protocol-packages', file: 'src/signer-protocol/packs.ts', imports: 'yaml' },
  { rule: 'signer-protocol-node', file: 'src/signer-protocol/listens.ts', imports: 'node:net' },
  { rule: 'platform-folders', file: 'src/platform/borrows.ts', imports: '../orchestrator/service.js' },
  { rule: 'platform-packages', file: 'src/platform/packs.ts', imports: 'typeorm' },
  { rule: 'hardware-folders', file: 'hardware/borrows.ts', imports: '../src/signer/keeper.js' },
  { rule: 'hardware-packages', file: 'hardware/packs.ts', imports: 'typeorm' },
  { rule: 'signer-folders', file: 'src/signer/trusts.ts', imports: '../orchestrator/service.js' },
  { rule: 'signer-packages', file: 'src/signer/packs.ts', imports: '@nestjs/common' },
  { rule: 'watcher-folders', file: 'src/watcher/borrows.ts', imports: '../orchestrator/service.js' },
  { rule: 'watcher-packages', file: 'src/watcher/packs.ts', imports: 'typeorm' },
  { rule: 'orchestrator-folders', file: 'src/orchestrator/signs.ts', imports: '../../hardware/token.js' },
  { rule: 'orchestrator-folders', file: 'src/orchestrator/peeks.ts', imports: '../signer/keeper.js' },
  { rule: 'orchestrator-packages', file: 'src/orchestrator/packs.ts', imports: 'pkcs11js' },
  { rule: 'sdk-folders', file: 'src/sdk/borrows.ts', imports: '../cli/options.js' },
  { rule: 'sdk-packages', file: 'src/sdk/packs.ts', imports: 'commander' },
  { rule: 'sdk-node', file: 'src/sdk/reads.ts', imports: 'node:fs' },
  { rule: 'cli-folders', file: 'src/cli/borrows.ts', imports: '../orchestrator/service.js' },
  { rule: 'cli-packages', file: 'src/cli/packs.ts', imports: 'typeorm' },
  { rule: 'verifier-folders', file: 'verifier/borrows.ts', imports: '../src/signer/keeper.js' },
  { rule: 'verifier-packages', file: 'verifier/packs.ts', imports: 'typeorm' },
  { rule: 'known-folders', file: 'src/newcomer/arrives.ts', imports: '../core/pure.js' },
  { rule: 'nothing-imports-test', file: 'demo/cheats.ts', imports: '../test/vectors.js' },
  { rule: 'nothing-imports-workshop', file: 'hardware/token.spec.ts', imports: '../devnet/node.js' },
  { rule: 'programs-without-tests', file: 'src/core/leans.ts', imports: './pure.fixture.js' },
  {
    rule: 'facts-signed-by-watchers',
    file: 'src/orchestrator/facts/invents.ts',
    imports: '../../core/facts/sign.js',
  },
  ...['src/orchestrator/facts', 'src/cli/facts', 'src/sdk/facts', 'demo/lies/facts'].map((folder) => ({
    rule: 'fact-bytes-for-those-who-verify',
    file: `${folder}/forges.ts`,
    imports: `${folder.startsWith('demo') ? '../../../src' : '../..'}/core/facts/fact-bytes.js`,
  })),
  {
    rule: 'fact-bytes-for-those-who-verify',
    file: 'src/orchestrator/facts/writes.ts',
    imports: '../../core/statements/preimage.js',
  },
  ...['node:crypto', 'crypto', '@noble/curves/ed25519.js', '../../platform/ed25519-key.js'].map(
    (imports, index) => ({
      rule: 'orchestrator-signs-freezes-alone',
      file: `src/orchestrator/facts/signs-${index}.ts`,
      imports,
    }),
  ),
  { rule: 'ledgers-for-officers', file: 'src/signer/shows.ts', imports: '../../hardware/ledger/link.js' },
  { rule: 'resolvable', file: 'src/core/lost.ts', imports: './nowhere.js' },
];

/** What the violations point at, and what no rule forbids. */
const INNOCENT: Readonly<Record<string, string>> = {
  'src/core/pure.ts': "import 'zod';\nexport const pure = 1;\n",
  'src/core/facts/sign.ts': "import '../pure.js';\nexport const sign = 1;\n",
  'src/core/statements/preimage.ts': "import '../pure.js';\nexport const preimage = 1;\n",
  'src/core/facts/fact-bytes.ts': "import '../statements/preimage.js';\nexport const bytes = 1;\n",
  'src/watcher/watches.ts': "import '../core/facts/sign.js';\nimport '../core/facts/fact-bytes.js';\n",
  'src/orchestrator/governance/own-freezes.ts': "import '../../platform/ed25519-key.js';\n",
  'src/orchestrator/http/examples.ts': "import '@noble/curves/ed25519.js';\n",
  'src/platform/ed25519-key.ts': "import 'node:crypto';\nexport const key = 1;\n",
  'src/core/pure.fixture.ts': "import 'node:fs';\nexport const sample = 1;\n",
  'src/core/pure.spec.ts':
    "import './pure.fixture.js';\nimport '../platform/adapter.js';\nimport 'fast-check';\n",
  'src/platform/adapter.ts': "import 'node:fs';\nimport '../core/pure.js';\n",
  'src/signer/keeper.ts':
    "import 'better-sqlite3';\nimport '../../hardware/token.js';\nimport '../core/pure.js';\n",
  'src/orchestrator/service.ts': "import '@nestjs/common';\nimport '../core/pure.js';\n",
  'hardware/token.ts': "import 'pkcs11js';\nimport '../src/core/pure.js';\n",
  'hardware/ledger/link.ts': "import 'node:net';\nexport const link = 1;\n",
  'src/cli/speaks.ts': "import '../../hardware/ledger/link.js';\n",
  'devnet/node.ts': "import 'ethers';\nimport '../src/orchestrator/service.js';\n",
  'test/vectors.ts':
    "import '../src/signer/keeper.js';\nimport '../devnet/node.js';\nexport const vectors = 1;\n",
};

describe('the import rules', () => {
  const tree = mkdtempSync(join(tmpdir(), 'portcullis-imports-'));
  let report: Report;
  let exitCode: number | null;

  beforeAll(() => {
    symlinkSync(join(repositoryRoot, 'node_modules'), join(tree, 'node_modules'));
    for (const { file, imports } of PLANTED)
      plant(tree, file, `import '${imports}';\nexport const here = 1;\n`);
    for (const [file, text] of Object.entries(INNOCENT)) plant(tree, file, text);
    const run = spawnSync(process.execPath, [check, '--root', tree, '--json'], { encoding: 'utf8' });
    exitCode = run.status;
    report = JSON.parse(run.stdout) as Report;
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  it.each(PLANTED)('$rule refuses $imports in $file', ({ rule, file }) => {
    expect(
      report.violations.filter(({ from }) => from === file).map((violation) => violation.rule),
    ).toContain(rule);
  });

  it('refuses nothing else', () => {
    const guilty = new Set(PLANTED.map(({ file }) => file));
    expect(report.violations.filter(({ from }) => !guilty.has(from))).toEqual([]);
    expect(report.missed).toEqual([]);
  });

  it('has a planted violation for every rule', async () => {
    const file = join(repositoryRoot, '.dependency-cruiser.mjs');
    const { default: config } = (await import(file)) as {
      default: { forbidden: readonly { name: string }[] };
    };
    const rules = config.forbidden.map(({ name }) => name).sort();
    expect([...new Set(PLANTED.map(({ rule }) => rule))].sort()).toEqual(rules);
  });

  it('fails the run when there is a violation', () => {
    expect(exitCode).toBe(1);
  });

  it('fails the run when no module was seen at all', () => {
    const empty = mkdtempSync(join(tmpdir(), 'portcullis-empty-'));
    try {
      mkdirSync(join(empty, 'src'));
      const run = spawnSync(process.execPath, [check, '--root', empty, '--json'], { encoding: 'utf8' });
      expect(run.status).toBe(1);
      expect(JSON.parse(run.stdout)).toMatchObject({ modules: 0 });
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});

function plant(tree: string, file: string, text: string): void {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}
