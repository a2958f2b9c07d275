// A token that does not sign for a while: it hangs up, so that what was reserved meanwhile stays without a signature, or
// it keeps everybody waiting.

import type { KeySigner } from '../hardware/key-signer.js';
import type { Deployment } from './deployment.js';

async function withSigning<T>(
  deployment: Deployment,
  altered: (real: KeySigner) => KeySigner['signDigest'],
  run: () => Promise<T>,
): Promise<T> {
  const { parts } = deployment.serving().signer as unknown as {
    parts: { tokens: Map<string, { signer: KeySigner }> };
  };
  const token = parts.tokens.get('treasury');
  if (!token) throw new Error('no token');
  const real = token.signer;
  const broken: unknown = Object.create(real, { signDigest: { value: altered(real) } });
  Object.assign(token, { signer: broken });
  try {
    return await run();
  } finally {
    Object.assign(token, { signer: real });
  }
}

export function whileTokenFails<T>(deployment: Deployment, run: () => Promise<T>): Promise<T> {
  const fails = async () => Promise.reject(new Error('the token hung up'));
  return withSigning(deployment, () => fails, run);
}

/** Every signature that is begun meanwhile comes after `run` has ended. */
export async function whileTokenWaits<T>(deployment: Deployment, run: () => Promise<T>): Promise<T> {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  try {
    return await withSigning(
      deployment,
      (real) => async (key, digest) => {
        await goOn;
        return real.signDigest(key, digest);
      },
      run,
    );
  } finally {
    resolve();
  }
}
