// What the Bitcoin side can fail with. Refusals to plan are `ReserveResult` values of chain-driver.ts, not these.

/**
 * Faults. `chain-unavailable` is the one that the pipeline waits on: no node gave an answer that can be used, or the
 * scanner has stopped (facts say which). The others are bugs, a foreign database, or a node that serves another chain.
 */
export type BitcoinFaultCode =
  | 'chain-unavailable'
  | 'chain-not-served'
  | 'amount-not-exact'
  | 'block-malformed'
  | 'block-mismatch'
  | 'plan-malformed'
  | 'plan-unknown'
  | 'coin-taken'
  | 'coins-too-many'
  | 'previous-transaction-missing'
  | 'signed-transaction-mismatch';

/** Why the scanner stands still until a person has looked. */
export type ScannerStop = 'reorg-too-deep';
