// `portcullis status`: signer, tokens, nodes and database, as the orchestrator sees them.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { freezeScope } from '../core/governance/entry.js';
import { scopeWords } from '../core/governance/names.js';
import { asOfficer } from './caller.js';
import type { Answer, CommandLine } from './command-line.js';
import { EXIT } from './exit.js';
import { bad, faint, fields, good, type Line, type Span } from './lines.js';
import { officerFlags, officerShape } from './options.js';
import { instant } from './words.js';

export const status = z.object({
  version: z.string(),
  deploymentId: z.string(),
  database: z.object({ dialect: z.string(), reachable: z.boolean(), fault: z.string().exactOptional() }),
  governance: z.object({
    known: z.boolean(),
    sequence: z.int().nullable(),
    frozen: z.array(z.object({ scope: freezeScope, why: z.string(), sequence: z.int() })),
    word: z
      .object({ needed: z.boolean(), credentialId: z.string().nullable(), untilMs: z.int().nullable() })
      .nullable(),
    fault: z.string().exactOptional(),
  }),
  signer: z.object({
    reachable: z.boolean(),
    agrees: z.boolean(),
    version: z.string().nullable(),
    journalSequence: z.int().nullable(),
    anchoredSequence: z.int().nullable(),
    checkpoint: z.object({ size: z.int() }).nullable(),
    auditKeyFault: z.string().nullable(),
    fault: z.string().exactOptional(),
  }),
  tokens: z.array(
    z.object({
      name: z.string(),
      ready: z.boolean(),
      label: z.string(),
      serial: z.string(),
      model: z.string(),
      fault: z.string().exactOptional(),
    }),
  ),
  nodes: z.array(
    z.object({
      chain: z.string(),
      node: z.string(),
      healthy: z.boolean(),
      height: z.int().nullable(),
      detail: z.string().nullable(),
    }),
  ),
});
export type Status = z.infer<typeof status>;

function mark(well: boolean, fault: string | null | undefined): Span[] {
  return well ? [good('well')] : [bad('NOT WELL'), faint(fault ? `  ${fault}` : '')];
}

/** A rule lets pass what nobody approves, and no governor has vouched for the log since a day. */
function wantsWord({ governance: { word } }: Status): boolean {
  return word?.needed === true && word.untilMs === null;
}

function wordLines({ word }: Status['governance']): Line[] {
  if (word?.credentialId && word.untilMs !== null) {
    return [
      [
        faint(
          `what nobody approves is signed until ${instant(word.untilMs)}, by the word of ${word.credentialId}`,
        ),
      ],
    ];
  }
  return word?.needed
    ? [[bad('NO WORD'), '  what nobody approves waits until a governor vouches: portcullis governance vouch']]
    : [];
}

export function isWell(seen: Status): boolean {
  return (
    seen.database.reachable &&
    seen.governance.known &&
    seen.governance.frozen.length === 0 &&
    !wantsWord(seen) &&
    seen.signer.reachable &&
    seen.signer.agrees &&
    seen.signer.auditKeyFault === null &&
    seen.tokens.every((token) => token.ready) &&
    seen.nodes.every((node) => node.healthy)
  );
}

export function statusLines(seen: Status): Line[] {
  const { signer, governance, database } = seen;
  const agreement = signer.reachable && !signer.agrees ? 'another governance log than ours' : signer.fault;
  return fields([
    ['orchestrator', [good('well'), faint(`  version ${seen.version}`)]],
    ['database', [...mark(database.reachable, database.fault), faint(`  ${database.dialect}`)]],
    [
      'governance',
      [...mark(governance.known, governance.fault), faint(`  newest entry ${governance.sequence ?? '-'}`)],
      ...wordLines(governance),
      ...governance.frozen.map(
        ({ scope, why, sequence }): Line => [
          bad('FROZEN'),
          `  ${scopeWords(scope)}, by entry ${sequence}: ${why}`,
        ],
      ),
    ],
    [
      'signer',
      [
        ...mark(signer.reachable && signer.agrees, agreement),
        faint(
          signer.reachable
            ? `  version ${signer.version ?? '-'}, journal ${signer.journalSequence ?? '-'}, covered on the token to ${signer.anchoredSequence ?? '-'}`
            : '',
        ),
      ],
    ],
    ...(signer.auditKeyFault === null
      ? []
      : [
          [
            'audit log',
            [
              ...mark(false, signer.auditKeyFault),
              faint(
                `  its key signs no checkpoints; the last one has ${signer.checkpoint?.size ?? 'no'} entries`,
              ),
            ],
          ] as const,
        ]),
    ...seen.tokens.map(
      (token) =>
        [
          `token ${token.name}`,
          [
            ...mark(token.ready, token.fault),
            faint(`  ${token.label}, ${token.model}, serial ${token.serial}`),
          ],
        ] as const,
    ),
    ...seen.nodes.map(
      (node) =>
        [
          'node',
          [
            ...mark(node.healthy, node.detail),
            faint(`  ${node.chain}, ${node.node}, height ${node.height ?? '-'}`),
          ],
        ] as const,
    ),
    ['deployment', seen.deploymentId],
  ]);
}

export function statusCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'status',
      summary: 'show whether signer, tokens, nodes and database are well',
      description: 'Asks each of them now. Ends with exit code 1 when one of them is not well.',
      example: 'status --config alice.yaml',
    },
    officerFlags,
    z.object(officerShape),
    (given) =>
      asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
        const answer = await api.get('/v1/status', status);
        if (answer.kind === 'refused') return answer;
        return accepted({
          json: answer.value,
          lines: statusLines(answer.value),
          exit: isWell(answer.value) ? EXIT.ok : EXIT.refused,
        });
      }),
  );
}
