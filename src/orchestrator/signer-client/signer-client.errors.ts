// What can go wrong on the way to the signer. What the signer itself refuses is no fault, and comes back as a value.

/**
 * `signer-unreachable` and `signer-busy`: the query was never sent. `signer-connection-lost`, `signer-timeout`,
 * `signer-reply-malformed`: it was, and what the signer made of it is not known. `signer-fault`: the signer says that
 * something broke there (facts: `signerCode`); the same query may be sent again.
 */
export type SignerClientFaultCode =
  | 'signer-unreachable'
  | 'signer-busy'
  | 'signer-connection-lost'
  | 'signer-timeout'
  | 'signer-reply-malformed'
  | 'signer-fault'
  | 'signer-client-closed';
