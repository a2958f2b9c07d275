// A program that owns a token's process, for the test that kills it. Prints the process id of the token's process once
// that has signed, and then waits.

import { spawnToken } from '../../hardware/pkcs11/token-client.js';

const [modulePath = '', tokenLabel = '', pinFile = '', softHsmConfig = ''] = process.argv.slice(2);
const token = spawnToken({
  modulePath,
  tokenLabel,
  pin: { kind: 'file', path: pinFile },
  environment: { SOFTHSM2_CONF: softHsmConfig },
});
await token.signDigest({ label: 'wallet' }, Buffer.alloc(32, 1));
process.stdout.write(`${token.processId}\n`);
setInterval(() => undefined, 60_000);
