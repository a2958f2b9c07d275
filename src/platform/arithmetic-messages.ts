// What the two threads of arithmetic-thread.ts say to each other. All the bytes that are asked about at a time go over in one
// piece that changes hands: to copy each on its own would cost a third of the work that the thread is there for.

import type { SignatureClaim } from '../core/statements/signature.js';

export interface Recovery {
  /** Compressed, hex. */
  readonly publicKey: string;
  readonly digest: Uint8Array;
  readonly rs64: Uint8Array;
}

export type Asked = { readonly id: number } & (
  | { readonly claims: readonly SignatureClaim[] }
  | { readonly recovery: Recovery }
);

export type Answered = { readonly id: number } & (
  | { readonly valid: readonly boolean[] }
  | { readonly yParity: 0 | 1 | undefined }
);

type Head = { readonly id: number } & (
  | { readonly kinds: readonly SignatureClaim['kind'][] }
  | { readonly publicKey: string }
);

export interface Packed {
  readonly heads: readonly Head[];
  /** Where each part of `bytes` ends: public key, message and signature of a claim; digest and signature of a recovery. */
  readonly ends: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function packed(asked: readonly Asked[]): Packed {
  const parts: Uint8Array[] = [];
  const heads = asked.map((one): Head => {
    if ('recovery' in one) {
      parts.push(one.recovery.digest, one.recovery.rs64);
      return { id: one.id, publicKey: one.recovery.publicKey };
    }
    for (const { publicKey, message, signature } of one.claims) parts.push(publicKey, message, signature);
    return { id: one.id, kinds: one.claims.map(({ kind }) => kind) };
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  const ends = parts.map((part) => {
    bytes.set(part, end);
    end += part.length;
    return end;
  });
  return { heads, ends, bytes };
}

export function unpacked({ heads, ends, bytes }: Packed): Asked[] {
  let start = 0;
  let at = 0;
  const part = () => {
    const end = ends[at] ?? start;
    const found = bytes.subarray(start, end);
    start = end;
    at++;
    return found;
  };
  return heads.map((head) =>
    'kinds' in head
      ? {
          id: head.id,
          claims: head.kinds.map((kind) => ({
            kind,
            publicKey: part(),
            message: part(),
            signature: part(),
          })),
        }
      : { id: head.id, recovery: { publicKey: head.publicKey, digest: part(), rs64: part() } },
  );
}
