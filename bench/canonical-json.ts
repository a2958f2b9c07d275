// How much the canonical form of a statement costs, against JSON.stringify, which sorts and checks nothing.

import { canonicalJson } from '../src/core/statements/canonical-json.js';
import { type Benchmark, callsPerSecond, measure } from './benchmark.js';

/** The shape of a withdrawal's statement: flat text fields, in no particular order. */
const STATEMENT = {
  kind: 'withdrawal',
  transferId: '7f3c2a9e-5b1d-4c8e-9f60-2d4b8a1c7e35',
  asset: { chain: 'eip155:31337', contract: '0x5fbdb2315678afecb367f032d93f642f64180aa3', decimals: 18 },
  amount: '123456789000000000000000000',
  destination: '0x00000000000000000000000000000000c0ffee01',
  feeCeiling: '42000000000000',
  requester: 'exchange-backend',
  customer: 'c-1009',
  policyHash: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
  governanceHead: '9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0',
  expiresAtMs: 1_900_000_000_000,
};

export const canonicalJsonBenchmark: Benchmark = {
  name: 'canonical-json',
  says: 'canonical JSON of one statement, against JSON.stringify',
  run: async ({ quick }) => ({
    results: [
      await measure({
        name: 'canonical-json',
        unit: 'statements/s',
        samples: quick ? 3 : 15,
        subject: () => callsPerSecond(() => canonicalJson(STATEMENT)),
        baseline: () => callsPerSecond(() => JSON.stringify(STATEMENT)),
      }),
    ],
  }),
};
