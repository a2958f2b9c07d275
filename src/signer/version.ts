// The signer's version as certificates state it. Raised whenever a change could alter what the signer decides.

export const SIGNER_VERSION = '0.1.0';
