// The endpoints of the audit log: looking things up, and the files of its public form for whoever keeps a copy.

import { z } from 'zod';
import { auditEntry, auditKind } from '../../core/audit/entry.js';
import { identifier, sha256Hex } from '../../core/statements/fields.js';
import { transferId } from '../../core/statements/request.js';
import { endpoint } from '../http/endpoint.js';
import { exampleNowMs, exampleStatement, exampleTransferId } from '../http/examples.js';

const MOST_ITEMS = 200;
export const DEFAULT_ITEMS = 50;

const number = (what: string) =>
  z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,15})$/, what)
    .transform(Number);

export const auditQuery = z.strictObject({
  transfer: transferId.exactOptional(),
  wallet: identifier.exactOptional(),
  credential: identifier.exactOptional(),
  key: identifier.exactOptional().describe('Id of a request key.'),
  person: identifier
    .exactOptional()
    .describe(
      'What they did, where it is not forgotten who it was, or signed with any credential they ever had.',
    ),
  entry: number('a sequence').exactOptional().describe('Sequence of a governance entry.'),
  proposal: sha256Hex.exactOptional().describe('Id of a proposal.'),
  policy: sha256Hex.exactOptional().describe('Hash of the policies under which something was decided.'),
  kind: auditKind.exactOptional(),
  from: number('milliseconds').exactOptional().describe('Milliseconds since 1970, included.'),
  to: number('milliseconds').exactOptional().describe('Milliseconds since 1970, not included.'),
  before: number('a place')
    .exactOptional()
    .describe("An earlier page's `nextBefore`, with the same filters."),
  limit: number('a number')
    .refine((limit) => limit >= 1 && limit <= MOST_ITEMS, `1 to ${MOST_ITEMS}`)
    .exactOptional()
    .describe(`At most ${MOST_ITEMS}; ${DEFAULT_ITEMS} unless said.`),
});

export const auditItem = z
  .strictObject({
    entry: auditEntry.describe('As it is in the log.'),
    person: identifier.nullable().describe('Who did it; null where nobody did or it was forgotten.'),
    record: z
      .string()
      .describe(
        'What is recorded of it, as JSON; `note` in the entry is its salted hash. Empty where it is gone.',
      ),
  })
  .meta({ id: 'AuditItem' });

export const auditPage = z
  .strictObject({
    items: z.array(auditItem).describe('Newest first.'),
    nextBefore: z.int().nullable().describe('`before` of the next page; null on the last one.'),
  })
  .meta({ id: 'AuditPage' });
export type AuditPageAnswer = z.infer<typeof auditPage>;

export const searchAudit = endpoint({
  operation: 'searchAudit',
  method: 'GET',
  path: '/v1/audit',
  tag: 'Audit',
  summary: 'Look things up in the audit log',
  description:
    'What happened, newest first, by transfer, wallet, credential, request key, person, governance entry, policy, kind and time; all that is given has to fit. Each look is in the log itself.',
  access: 'officer',
  isRecorded: true,
  query: auditQuery,
  answer: {
    is: 'ok',
    description: 'A page.',
    schema: auditPage,
    example: {
      items: [
        {
          entry: {
            type: 'portcullis/audit/v1',
            deploymentId: exampleStatement.deploymentId,
            sequence: 41,
            atMs: exampleNowMs,
            kind: 'transition',
            what: 'requested',
            program: 'orchestrator',
            subjects: [
              { kind: 'transfer', id: exampleTransferId },
              { kind: 'wallet', id: exampleStatement.wallet },
              { kind: 'key', id: exampleStatement.keyId },
            ],
            sealed: [{ name: 'note', hash: '9f'.repeat(32) }],
          },
          person: null,
          record: `["${exampleTransferId}",1,null,"requested","request-accepted","{}",${exampleNowMs},"request-key:${exampleStatement.keyId}"]`,
        },
      ],
      nextBefore: null,
    },
  },
  refusals: [],
});

export const auditFile = z
  .strictObject({
    path: z.string(),
    bytes: z.base64().describe('The file.'),
  })
  .meta({ id: 'AuditFile' });
export type AuditFileAnswer = z.infer<typeof auditFile>;

export const getAuditFile = endpoint({
  operation: 'getAuditFile',
  method: 'GET',
  path: '/v1/audit/file',
  tag: 'Audit',
  summary: "Read a file of the audit log's public form",
  description:
    'By its name in the C2SP tlog-tiles layout: `checkpoint`, `tile/entries/000`, `tile/0/x001/067.p/44`. A partial file of any width is there as long as the log has that much. Nothing in it names a person.',
  access: 'authenticated',
  query: z.strictObject({
    path: z
      .string()
      .regex(/^[a-z0-9./]{1,64}$/)
      .describe('Name of the file.'),
  }),
  answer: {
    is: 'ok',
    description: 'The file.',
    schema: auditFile,
    example: { path: 'tile/0/000.p/1', bytes: 'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=' },
  },
  refusals: ['audit-file-unknown'],
});

const PUBLIC =
  'A file of the log as C2SP tlog-tiles has it, for tools that know nothing else: the prefix of the log is `/v1/audit/log`. Served only where the configuration says `audit.public`, and only as far as the newest signed checkpoint. Nothing in it names a person.';

export const getLogCheckpoint = endpoint({
  operation: 'getLogCheckpoint',
  method: 'GET',
  path: '/v1/audit/log/checkpoint',
  tag: 'Audit',
  summary: 'The newest checkpoint of the audit log, as a signed note',
  description: PUBLIC,
  access: 'open',
  answer: {
    is: 'ok',
    description: 'The note.',
    schema: z.string(),
    example: '',
    contentType: 'text/plain; charset=utf-8',
    cacheControl: 'public, max-age=5',
  },
  refusals: ['audit-file-unknown', 'route-unknown'],
});

export const getLogTile = endpoint({
  operation: 'getLogTile',
  method: 'GET',
  path: '/v1/audit/log/tile/*file',
  tag: 'Audit',
  summary: 'A tile of hashes, or a bundle of entries, of the audit log',
  description: `${PUBLIC} No such file ever changes.`,
  access: 'open',
  params: z.strictObject({
    file: z
      .string()
      .regex(/^[a-z0-9./]{1,64}$/)
      .describe('With slashes: `0/000`, `0/x001/067.p/44`, `entries/000`.'),
  }),
  answer: {
    is: 'ok',
    description: 'The file.',
    schema: z.unknown().describe('Bytes.'),
    example: undefined,
    contentType: 'application/octet-stream',
    cacheControl: 'public, max-age=31536000, immutable',
  },
  refusals: ['audit-file-unknown', 'route-unknown'],
});
