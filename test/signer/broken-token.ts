// A token that hangs up on every signature for a while: what was reserved meanwhile stays without one.

import type { Deployment } from '../../devnet/deployment.js';

export async function whileTokenFails<T>(deployment: Deployment, run: () => Promise<T>): Promise<T> {
  const { parts } = deployment.serving().signer as unknown as {
    parts: { tokens: Map<string, { signer: object }> };
  };
  const token = parts.tokens.get('treasury');
  if (!token) throw new Error('no token');
  const real = token.signer;
  const signDigest = { value: async () => Promise.reject(new Error('the token hung up')) };
  Object.assign(token, { signer: Object.create(real, { signDigest }) });
  try {
    return await run();
  } finally {
    Object.assign(token, { signer: real });
  }
}
