// What a person sees of the programs' state, as schemas.

import { z } from 'zod';
import { identifier, sha256Hex, timestampMs } from '../../core/statements/fields.js';
import { logHead, pendingReport, tokenReport } from '../../signer-protocol/messages.js';
import { freezes } from '../governance/governance.endpoints.js';

const fault = z.string().max(64).describe('Code of the fault that keeps it from answering.');

export const statusView = z
  .strictObject({
    version: z.string(),
    nowMs: timestampMs,
    deploymentId: sha256Hex,
    database: z.strictObject({
      dialect: z.enum(['sqlite', 'postgres']),
      reachable: z.boolean(),
      fault: fault.exactOptional(),
    }),
    governance: z.strictObject({
      known: z.boolean(),
      sequence: z.int().nullable(),
      head: sha256Hex.nullable(),
      policyHash: sha256Hex.nullable(),
      frozen: freezes,
      word: z
        .strictObject({
          needed: z.boolean().describe('A rule lets pass what nobody approves.'),
          credentialId: identifier.nullable(),
          untilMs: timestampMs.nullable(),
        })
        .nullable()
        .describe(
          "Whose word about the log's head what nobody approves is signed with, and until when; nulls in it where none counts now. Null while governance is not known.",
        ),
      fault: fault.exactOptional(),
    }),
    signer: z.strictObject({
      reachable: z.boolean(),
      /** It serves this deployment, and its governance log ends where ours does. */
      agrees: z.boolean().describe('It serves this deployment, and its governance log ends where ours does.'),
      version: z.string().nullable(),
      governanceSequence: z.int().nullable(),
      journalSequence: z.int().nullable(),
      anchoredSequence: z.int().nullable().describe('Journal sequence that the record on the token covers.'),
      checkpoint: logHead.nullable().describe('Of the audit log: the newest one that it signed, or began.'),
      auditKeyFault: z
        .string()
        .max(64)
        .nullable()
        .describe("Code of what keeps the audit log's key from signing checkpoints; null when nothing does."),
      pending: z
        .array(pendingReport)
        .nullable()
        .describe(
          'Governance entries that wait, and how long each still has to; null while it does not answer.',
        ),
      clockAheadMs: z.int().nullable().describe("The signer's clock against ours."),
      fault: fault.exactOptional(),
    }),
    tokens: z.array(tokenReport),
    nodes: z.array(
      z.strictObject({
        chain: z.string(),
        node: z.string(),
        healthy: z.boolean(),
        height: z.int().nullable(),
        detail: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Status' });
export type StatusView = z.infer<typeof statusView>;

export const liveness = z.strictObject({ status: z.literal('alive') }).meta({ id: 'Liveness' });
export const readiness = z.strictObject({ status: z.literal('ready') }).meta({ id: 'Readiness' });
