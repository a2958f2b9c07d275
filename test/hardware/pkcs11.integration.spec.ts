// Both PKCS#11 adapters, in this process and in one of their own, against real SoftHSM tokens.

import { keySignerContract } from '../../hardware/contract/key-signer.contract.js';
import { childProcessBench, inProcessBench } from './softhsm-bench.js';

keySignerContract('the in-process PKCS#11 adapter', () => inProcessBench('treasury'));
keySignerContract('the PKCS#11 adapter in its own process', () => childProcessBench('treasury'));
