// Which test kills at which boundary, so that together they kill at all of them.

/** Of the signer: what it does once in its life, and once in another one. signer-acts.ordeal.spec.ts. */
export const CEREMONY = /:initialise:|SignerStore\.create:|makeSeal:/;
export const RESTORE = /:restoreStore:|SignerStore\.restore:/;

/** Come to only where a program is told to stop. */
export const AT_THE_STOP = /store\.beat#2|shutDown/;

/** Come to only after a process died between two others. */
export const AFTER: readonly { readonly boundary: RegExp; readonly kill: string }[] = [
  {
    boundary: /token-records\.ts:readRecord:api\.C_DestroyObject/,
    kill: 'hardware/pkcs11/token-records.ts:writeRecord:api.C_CreateObject:after',
  },
];
