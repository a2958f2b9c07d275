// Jest over ES modules; TypeScript is stripped by SWC, types are checked apart (npm run typecheck).
// The suffix of a test file says which run it belongs to: *.spec.ts stands beside its code and needs nothing,
// *.integration.spec.ts and *.e2e.spec.ts need real parts (token, nodes, database) and stand under test/.
export default {
  rootDir: '.',
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/hardware', '<rootDir>/verifier', '<rootDir>/devnet', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  // Minutes each, one after the other: npm run test:kills.
  testPathIgnorePatterns: ['/node_modules/', '\\.ordeal\\.spec\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  testTimeout: 60_000,
  // Two suites at once: each may start nodes, a database and programs of its own.
  maxWorkers: 2,
  // Modules of a test file stay in its worker's memory for good: beyond this it is replaced, before it is busy collecting garbage.
  workerIdleMemoryLimit: '1500MB',
  reporters: ['default', '<rootDir>/scripts/closing-line-reporter.mjs'],
};
