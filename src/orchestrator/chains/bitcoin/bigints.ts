// Order of bigints, for which Math and subtraction do not serve.

export function lesser(a: bigint, b: bigint): bigint {
  return compareBigints(a, b) <= 0 ? a : b;
}

export function greater(a: bigint, b: bigint): bigint {
  return compareBigints(a, b) >= 0 ? a : b;
}

export function compareBigints(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
