// Who may import whom: the boundaries between the programs, as a table that dependency-cruiser checks.
// Every folder lists the folders and the npm packages that it may import; everything else is a violation. A package
// needs a reason. The table is the whole truth for production code. Tests beside it (*.spec.ts, *.fixture.ts,
// *.contract.ts) are free within the product, but may not take anything from the workshop or from test/.

const HASHES = 'SHA-256, Keccak and byte conversions, in audited plain JavaScript';
const CURVES = 'signature verification on P-256, secp256k1 and Ed25519, in audited plain JavaScript';
const SCHEMA = 'parses what comes from outside';
const SECP256K1 = 'libsecp256k1 as WebAssembly: normalises, recovers and verifies';

export const FOLDERS = [
  {
    folder: 'src/core',
    folders: ['src/signer-protocol'],
    packages: {
      '@noble/curves': CURVES,
      '@noble/hashes': HASHES,
      'bitcoinjs-lib': 'decodes transactions, PSBTs and addresses',
      'structured-headers': 'RFC 8941 fields of HTTP message signatures',
      'tiny-secp256k1': SECP256K1,
      yaml: 'policies are written in YAML',
      zod: SCHEMA,
    },
  },
  { folder: 'src/signer-protocol', folders: ['src/core'], packages: { zod: SCHEMA } },
  {
    folder: 'src/platform',
    folders: ['src/core'],
    node: true,
    packages: {
      // In the signer too. Only its binding is imported, never the way in that falls back to other arithmetic.
      secp256k1: 'libsecp256k1 as machine code: verifies every signature before it leaves',
      yaml: 'configuration files',
      zod: SCHEMA,
    },
  },
  {
    folder: 'hardware',
    folders: ['src/core'],
    node: true,
    packages: {
      '@noble/curves': CURVES,
      '@noble/hashes': HASHES,
      pkcs11js: 'speaks PKCS#11 to a token',
      'tiny-secp256k1': SECP256K1,
      zod: SCHEMA,
    },
  },
  {
    // The program that holds the keys. Each package here is code that could sign; add none without need.
    folder: 'src/signer',
    folders: ['src/core', 'src/signer-protocol', 'src/platform', 'hardware'],
    node: true,
    packages: {
      '@noble/hashes': HASHES,
      'better-sqlite3': 'its own store: synchronous, durable, one file',
      'tiny-secp256k1': SECP256K1,
      zod: SCHEMA,
    },
  },
  {
    folder: 'src/watcher',
    folders: ['src/core', 'src/signer-protocol', 'src/platform'],
    node: true,
    packages: { '@noble/hashes': HASHES, zod: SCHEMA },
  },
  {
    folder: 'src/orchestrator',
    folders: ['src/core', 'src/signer-protocol', 'src/platform'],
    node: true,
    packages: {
      '@nestjs/common': 'the framework of the service',
      '@nestjs/core': 'the framework of the service',
      '@nestjs/platform-express': 'its HTTP server',
      '@nestjs/schedule': 'its timers',
      '@noble/curves': CURVES,
      '@noble/hashes': HASHES,
      'better-sqlite3': 'the database of one machine',
      'bitcoinjs-lib': 'builds PSBTs, decodes blocks',
      ethers: 'builds transactions, encodes calls',
      express: 'types of the HTTP request',
      helmet: 'security headers',
      pg: 'the database of several machines',
      pino: 'structured logs',
      'reflect-metadata': 'the framework needs it',
      rxjs: 'the framework needs it',
      'structured-headers': 'RFC 8941 fields of HTTP message signatures',
      'swagger-ui-dist': 'the page that shows the OpenAPI document',
      typeorm: 'connections, transactions and queries on both databases',
      zod: SCHEMA,
    },
  },
  {
    // For exchanges' backends as well as the command line: what runs there is as little as possible.
    folder: 'src/sdk',
    folders: ['src/core'],
    packages: { '@noble/hashes': HASHES, zod: SCHEMA },
  },
  {
    folder: 'src/cli',
    folders: ['src/core', 'src/signer-protocol', 'src/platform', 'src/sdk', 'hardware'],
    node: true,
    packages: {
      '@noble/curves': CURVES,
      '@noble/hashes': HASHES,
      'bitcoinjs-lib': 'shows what bytes do',
      commander: 'sub-commands and their help',
      'structured-headers': 'RFC 8941 fields of HTTP message signatures',
      yaml: 'reads configuration and policies',
      zod: SCHEMA,
    },
  },
  { folder: 'verifier', folders: ['src/core'], node: true, packages: {} },
];

/** Folders that are no product: they may import whatever they like except tests, and nobody may import them. */
const WORKSHOP = ['devnet', 'demo', 'bench'];

/** What signs in the orchestrator: freezes by a key of its own, where it has one, and the examples of its API. */
const SIGNING_IN_ORCHESTRATOR = [
  'src/orchestrator/governance/governance.module.ts',
  'src/orchestrator/governance/own-freezes.ts',
  'src/orchestrator/http/examples.ts',
];

/** Test code that stands beside its subject. */
const TEST_FILE = '\\.(spec|fixture|contract)\\.ts$';

const within = (folder) => `^${folder}/`;
const nameOf = (folder) => folder.replace('src/', '');
const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

function rulesOf({ folder, folders, node, packages }) {
  const name = nameOf(folder);
  const local = [folder, ...folders].map(within);
  const installed = Object.keys(packages).map((each) => `(^|/)node_modules/${escaped(each)}/`);
  const rules = [
    {
      name: `${name}-folders`,
      comment: `${folder} may import ${folders.length === 0 ? 'nothing but itself' : folders.join(', ')}`,
      severity: 'error',
      from: { path: within(folder), pathNot: TEST_FILE },
      to: { pathNot: [...local, '(^|/)node_modules/'], dependencyTypesNot: ['core'] },
    },
    {
      name: `${name}-packages`,
      comment: `packages of ${folder}: ${Object.keys(packages).join(', ') || 'none'}`,
      severity: 'error',
      from: { path: within(folder), pathNot: TEST_FILE },
      to: { path: '(^|/)node_modules/', ...(installed.length > 0 ? { pathNot: installed } : {}) },
    },
  ];
  if (node !== true) {
    rules.push({
      name: `${name}-node`,
      comment: `${folder} runs in a browser too: no module of Node.js`,
      severity: 'error',
      from: { path: within(folder), pathNot: TEST_FILE },
      to: { dependencyTypes: ['core'] },
    });
  }
  return rules;
}

const products = ['src', 'hardware', 'verifier'].map(within);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...FOLDERS.flatMap(rulesOf),
    {
      name: 'known-folders',
      comment: 'a new folder under src/ gets a line in the table of .dependency-cruiser.mjs first',
      severity: 'error',
      from: { path: '^src/', pathNot: FOLDERS.map(({ folder }) => within(folder)) },
      to: {},
    },
    {
      name: 'nothing-imports-test',
      comment: 'what tests and programs share belongs to neither',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'nothing-imports-workshop',
      comment: `no part of the product may need ${WORKSHOP.join(', ')}`,
      severity: 'error',
      from: { path: products },
      to: { path: WORKSHOP.map(within) },
    },
    {
      name: 'programs-without-tests',
      comment: 'test code beside its subject is for tests, and for what stands in for the world in them',
      severity: 'error',
      from: { path: [...products, ...WORKSHOP.map(within)], pathNot: [TEST_FILE, '^devnet/'] },
      to: { path: TEST_FILE },
    },
    {
      name: 'facts-signed-by-watchers',
      comment: 'only a watcher signs facts: what the orchestrator says about the world is none',
      severity: 'error',
      from: { path: [...products, ...WORKSHOP.map(within)], pathNot: ['^src/watcher/', TEST_FILE] },
      to: { path: '^src/core/facts/sign\\.ts$' },
    },
    {
      name: 'fact-bytes-for-those-who-verify',
      comment:
        'the bytes of a fact are for who signs or verifies facts, and those of any statement are made in the core',
      severity: 'error',
      from: {
        path: [...products, ...WORKSHOP.map(within)],
        pathNot: ['^src/(core|signer|watcher)/', TEST_FILE],
      },
      to: { path: ['^src/core/facts/fact-bytes\\.ts$', '^src/core/statements/preimage\\.ts$'] },
    },
    {
      // Signing itself, by whichever name: else somebody could write the bytes of a fact by hand and sign them.
      name: 'orchestrator-signs-freezes-alone',
      comment: `the orchestrator signs nothing but freezes, and examples: ${SIGNING_IN_ORCHESTRATOR.join(', ')}`,
      severity: 'error',
      from: {
        path: '^src/orchestrator/',
        pathNot: [...SIGNING_IN_ORCHESTRATOR.map((file) => `^${escaped(file)}$`), TEST_FILE],
      },
      to: {
        path: ['^(node:)?crypto$', '(^|/)node_modules/@noble/curves/', '^src/platform/ed25519-key\\.ts$'],
      },
    },
    {
      name: 'ledgers-for-officers',
      comment: "a Ledger is an officer's: only the command line speaks to one",
      severity: 'error',
      from: {
        path: [...products, ...WORKSHOP.map(within)],
        pathNot: ['^src/cli/', '^hardware/ledger/', TEST_FILE],
      },
      to: { path: '^hardware/ledger/' },
    },
    {
      name: 'resolvable',
      comment: 'an import that cannot be followed cannot be judged',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: '(^|/)node_modules/' },
    exclude: { path: '^(dist|coverage|\\.portcullis)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
