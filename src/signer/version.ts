// The signer's version as certificates state it: that of the rules by which it decides, whatever else of the program changes.

export { DECISION_VERSION as SIGNER_VERSION } from '../core/authorization/decision-version.js';
