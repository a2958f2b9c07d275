// `portcullis keys ledger`: the public key of an officer's Ledger, for the ceremony's plan or for an entry that adds the credential.
// The person compares the address on the device with the one here; nothing is signed.

import type { Command } from 'commander';
import { z } from 'zod';
import { accepted } from '../core/fault.js';
import { derivationPath, localPlace } from './cli-config.js';
import type { CommandLine } from './command-line.js';
import { fields, grouped, strong } from './lines.js';
import { USUAL_PATH, withLedger } from './pen.js';

const options = z.object({ path: derivationPath.exactOptional(), tcp: localPlace.exactOptional() });

export function ledgerCommand(cli: CommandLine, keys: Command): void {
  cli.add(
    keys,
    {
      usage: 'ledger',
      summary: "show the public key of your Ledger, for the roster: class 'device-display'",
      description:
        'Asks the Ethereum app for a key, shows its address here and on the device, and waits until you have agreed there. With --json it prints what a ceremony plan reads. What signs approvals should hold no money: use a path, or a device, of its own.',
      example: 'keys ledger --json > alice-ledger.key.json',
    },
    [
      ['--path <path>', `derivation path; ${USUAL_PATH} unless configured`],
      ['--tcp <place>', "an emulator's socket on this host, in place of USB"],
    ],
    options,
    async (given) => {
      const { terminal, config } = given;
      const path = given.options.path ?? config.ledger?.path ?? USUAL_PATH;
      const tcp = given.options.tcp ?? config.ledger?.tcp;
      return withLedger({ path, ...(tcp === undefined ? {} : { tcp }) }, async (app) => {
        const { address } = await app.keyAt(path);
        terminal.tell([
          [strong('Compare the address with the one on your Ledger, and agree there.')],
          ...fields([['address', [strong(grouped(address))]]]),
        ]);
        const { publicKey } = await app.keyAt(path, true);
        const credential = { credentialClass: 'device-display', algorithm: 'eip191', publicKey } as const;
        return accepted({
          json: { curve: 'secp256k1', publicKey, address, path, credential },
          lines: fields([
            ['public key', [strong(publicKey)]],
            ['address', grouped(address)],
            ['path', path],
            ['class', credential.credentialClass],
          ]),
        });
      });
    },
  );
}
