// Which addresses could be taken for one another: those whose beginning and end are the same, which is what people look at.
// Whoever lays an address of this kind in somebody's way (address poisoning) has tried keys until both fit.

const SHOWN = 4;
/** What every address of its kind begins with: the human-readable part of segwit addresses with the version, and 0x. */
const PREFIX = /^(?:bc1[qp]|tb1[qp]|bcrt1[qp]|0x)/;

/** Equal for addresses that look alike: four characters from either end. Ethereum in lower case. */
export function lookOf(address: string): string {
  const body = address.toLowerCase().replace(PREFIX, '');
  return `${body.slice(0, SHOWN)}..${body.slice(-SHOWN)}`;
}
