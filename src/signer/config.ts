// The signer's configuration file: where it listens, where its store is, and which tokens it opens. No secret stands in
// it: PINs come from files or systemd credentials, and only the token's own process reads them.

import { z } from 'zod';
import { tokenProcessConfigSchema } from '../../hardware/pkcs11/token-messages.js';
import { identifier, sha256Hex } from '../core/statements/fields.js';

const path = z.string().min(1).max(4096);

export const signerConfig = z.strictObject({
  listen: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('unix'),
      /** The socket: mode 0660, in a directory of mode 0750 that nobody else can write to. */
      path: z.string().min(1).max(100),
      /** Group (numeric id) that may connect; the process's own when left out. */
      groupId: z.int().min(0).exactOptional(),
    }),
    z.strictObject({
      kind: z.literal('tls'),
      host: z.string().min(1).max(255),
      port: z.int().min(0).max(65_535),
      certificateFile: path,
      keyFile: path,
      /** Authority of the orchestrators' certificates; whoever has none from it is not talked to. */
      clientAuthorityFile: path,
    }),
  ]),
  storePath: path,
  /** Hash of the genesis entry, as it was read out at the ceremony. Checked against the token and the store. */
  deploymentId: sha256Hex,
  /** The token that holds the record by which a rolled-back store is noticed. */
  anchorToken: identifier,
  tokens: z.record(identifier, tokenProcessConfigSchema),
});
export type SignerConfig = z.infer<typeof signerConfig>;
