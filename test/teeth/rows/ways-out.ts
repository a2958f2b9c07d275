// Teeth of the orchestrator's ways out: voids, cancels on the chain, burials, and using up what a restore left.

import { type Tooth, teethOf } from '../tooth.js';

export const WAYS_OUT: readonly Tooth[] = [
  ...teethOf('src/orchestrator/ways-out/voids.ts', 'src/orchestrator/ways-out/ways-out.spec.ts', [
    {
      code: 'request-of-another-transfer',
      without: 'comparing the request with the transfer that is voided',
      was: 'if (transferIdOf(requestDigest(request.statement)) !== transferId) {',
      becomes: 'if (false) {',
      title: 'a void is refused for what is under way, was paid, or was signed, and changes nothing then',
    },
    {
      code: 'transfer-not-voidable',
      without: 'the states in which a transfer is voided',
      was: 'if (known && !VOIDABLE.includes(known.state)) {',
      becomes: 'if (false) {',
      title: 'a void is refused for what is under way, was paid, or was signed, and changes nothing then',
    },
  ]),
  ...teethOf('src/orchestrator/ways-out/ways-out.service.ts', 'src/orchestrator/ways-out/refusals.spec.ts', [
    {
      code: 'transfer-unknown',
      without: 'the demand that the transfer whose ways out are shown is there',
      was: "if (!found) return refused('transfer-unknown', { transferId });",
      becomes: "if (!found) throw new Error('gone');",
      title: 'the ways out of a transfer are none of one that is not there (transfer-unknown)',
    },
  ]),
  ...teethOf(
    'src/orchestrator/ways-out/ways-out.controller.ts',
    'src/orchestrator/ways-out/refusals.spec.ts',
    [
      {
        code: 'request-of-another-key',
        without: 'the demand that a void is asked for by the key of its request',
        was: "if (caller.kind === 'backend' && caller.keyId !== keyId)\n",
        becomes: "if (keyId === '')\n",
        title: 'a void is not asked for by the key of another (request-of-another-key)',
      },
    ],
  ),
  ...teethOf('src/orchestrator/ways-out/burials.ts', 'src/orchestrator/ways-out/refusals.spec.ts', [
    {
      code: 'transfer-being-signed',
      without: 'the demand that the signer is not being asked',
      was: "if (busy) return refused('transfer-being-signed', { by: busy.transactionKey });\n",
      becomes: '',
      title: 'a burial waits for the signer to have said what becomes of a plan (transfer-being-signed)',
    },
  ]),
  ...teethOf('src/orchestrator/ways-out/cancels.ts', 'src/orchestrator/ways-out/refusals.spec.ts', [
    {
      code: 'transfer-unknown',
      without: 'the demand that the transfer that is cancelled is there',
      was: "if (!row) return refused('transfer-unknown', { transferId });",
      becomes: "if (!row) throw new Error('gone');",
      test: 'src/orchestrator/ways-out/ways-out.spec.ts',
      title: 'a cancel on the chain is refused where nothing was signed, and of what is unknown',
    },
    {
      code: 'transfer-not-stuck',
      without: 'the states in which a transfer is cancelled on the chain',
      was: 'if (!STUCK.includes(row.state) || decided) {',
      becomes: 'if (decided) {',
      test: 'src/orchestrator/ways-out/ways-out.spec.ts',
      title: 'a cancel on the chain is refused where nothing was signed, and of what is unknown',
    },
    {
      code: 'transfer-nothing-to-cancel',
      without: 'the demand that something was signed',
      was: 'return rivals.some(({ signedHex }) => signedHex !== null)\n',
      becomes: 'return rivals.length > 0\n',
      test: 'src/orchestrator/ways-out/ways-out.spec.ts',
      title: 'a cancel on the chain is refused where nothing was signed, and of what is unknown',
    },
    {
      code: 'cancel-impossible',
      without: 'an answer for a wallet that was stopped',
      was: 'if (!(error instanceof Fault) || !STOPPED.includes(error.code)) throw error;',
      becomes: 'if (error instanceof Error) throw error;',
      title:
        'a cancel on the chain is refused with cancel-impossible when its wallet was stopped until a person has looked',
    },
    {
      code: 'cancel-waits',
      without: 'telling what can be cancelled later from what never can',
      was: "const code = result.kind === 'wait' ? 'cancel-waits' : 'cancel-impossible';",
      becomes: "const code = 'cancel-impossible' as const;",
      title: 'a cancel on the chain is refused with cancel-waits when its chain says wait',
    },
    {
      code: 'cancel-impossible',
      without: 'telling what can never be cancelled from what can later',
      was: "const code = result.kind === 'wait' ? 'cancel-waits' : 'cancel-impossible';",
      becomes: "const code = 'cancel-waits' as const;",
      title: 'a cancel on the chain is refused with cancel-impossible when its chain says impossible',
    },
  ]),
  ...teethOf('src/orchestrator/ways-out/restores.ts', 'src/orchestrator/ways-out/refusals.spec.ts', [
    {
      code: 'wallet-unknown',
      without: 'the demand that governance knows the wallet',
      was: "if (!known) return refused('wallet-unknown', { walletId });",
      becomes: "if (!known) throw new Error('gone');",
      title:
        'using up what a restore left is refused for a wallet that governance does not know (wallet-unknown)',
    },
    {
      code: 'wallet-of-another-restore',
      without: 'comparing the wallet with the one that a restore is about',
      was: 'if (restored.walletId !== walletId || restored.chain !== known.chain) {',
      becomes: 'if (restored.chain !== known.chain) {',
      title:
        'using up what a restore left is refused with what a restore says of another wallet (wallet-of-another-restore)',
    },
    {
      code: 'wallet-of-another-restore',
      without: 'comparing the chain with the one that a restore is about',
      was: 'if (restored.walletId !== walletId || restored.chain !== known.chain) {',
      becomes: 'if (restored.walletId !== walletId) {',
      title:
        'using up what a restore left is refused with what a restore says of another chain (wallet-of-another-restore)',
    },
    {
      code: 'wallet-of-another-restore',
      without: 'an answer for what the chain says is about another wallet',
      was: "if (result.kind === 'other-wallet') {",
      becomes: "if (result.kind === 'other-wallet') throw new Error('other');\n      if (walletId === '') {",
      title:
        'using up what a restore left is refused when the chain says that it is about another wallet (wallet-of-another-restore)',
    },
  ]),
];
