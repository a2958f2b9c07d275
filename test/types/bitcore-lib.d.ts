// The little of bitcore-lib that tests use as a second opinion on scripts and signatures. The package has no types.

declare module 'bitcore-lib' {
  class Script {
    constructor(hex: string);
    static Interpreter: {
      new (): {
        readonly errstr: string;
        verify(
          scriptSig: Script,
          scriptPubkey: Script,
          transaction: Transaction,
          inputIndex: number,
          flags: number,
          witness: Buffer[],
          satoshis: number,
        ): boolean;
      };
      readonly SCRIPT_VERIFY_P2SH: number;
      readonly SCRIPT_VERIFY_STRICTENC: number;
      readonly SCRIPT_VERIFY_DERSIG: number;
      readonly SCRIPT_VERIFY_LOW_S: number;
      readonly SCRIPT_VERIFY_NULLFAIL: number;
      readonly SCRIPT_VERIFY_WITNESS: number;
      readonly SCRIPT_VERIFY_WITNESS_PUBKEYTYPE: number;
    };
  }
  class Transaction {
    constructor(hex: string);
    readonly id: string;
    readonly inputs: readonly { readonly script: Script; getWitnesses(): Buffer[] }[];
  }
  const bitcore: { Script: typeof Script; Transaction: typeof Transaction };
  export default bitcore;
}
