// Which rules of decision this code has: what an order, a state of governance, a moment and what was used before come to, and how
// it is written into a reservation. A certificate says by which version it was decided, so that a verifier with other rules does not
// call a signer a liar who only had those of its day.

/**
 * Raised with every change after which the same order could be decided in another way, or the same decision be written otherwise:
 * what a limit takes, what a rule matches, which fields a decision has. verifier/versions holds certificates of each version, and
 * its test fails when this is forgotten.
 */
export const DECISION_VERSION = '0.3.0';

/** Those whose decisions come out alike here. An older one stays in it only while its certificates are still proved. */
const RECOUNTED: readonly string[] = [DECISION_VERSION];

export function isRecounted(version: string): boolean {
  return RECOUNTED.includes(version);
}
