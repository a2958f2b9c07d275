// `portcullis burial`: officers say that what was signed for some transfers is dead, since a conflicting transaction lies deep
// in the chain. A file goes from officer to officer, with the requests of the transfers beside the statement: they prove
// themselves, so that each officer sees what was to be paid without believing anybody.

import { z } from 'zod';
import { verifyOrigin } from '../core/authorization/requests.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import type { GovernanceState } from '../core/governance/state.js';
import { quorumWords } from '../core/governance/wanted.js';
import { type BurialStatement, burialBytes, burialStatement, verifyBurial } from '../core/recovery/burial.js';
import { type RequestStatement, type SignedRequest, signedRequest } from '../core/statements/request.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import { transferIdFor } from '../sdk/backend.js';
import { buryAnswer, readRequest, waysOut } from '../sdk/ways-out.js';
import { burialLines } from './burial-words.js';
import { asOfficer, asOfficerHere } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { cliFault } from './exit.js';
import { jsonText, readJson, rewrite, writeNew } from './files.js';
import { newestGovernance } from './governance-log.js';
import { good, type Line, strong } from './lines.js';
import { officerFlags, officerShape, pinFlags, pinShape } from './options.js';
import { compareConflicting, findingLines, nodeFlags, nodeShape, ownNodes, requireSame } from './own-node.js';
import { fileSignatures, signedByOfficer, signerLines } from './quorum-file.js';
import { transferIdFrom } from './transfer.commands.js';
import { stateSpan } from './transfer-words.js';

const burialFile = z.strictObject({
  statement: burialStatement,
  requests: z.array(signedRequest).min(1).max(200),
  signatures: fileSignatures,
});
type BurialFile = z.infer<typeof burialFile>;

function readBurial(path: string): BurialFile {
  return readJson(path, burialFile, 'a burial');
}

/**
 * The requests behind the statement, each verified: exactly one for each transfer, all of one chain. Faults
 * `statement-mismatch`.
 */
export function requestsOf(
  { statement, requests }: Pick<BurialFile, 'statement' | 'requests'>,
  state: GovernanceState,
): readonly RequestStatement[] {
  const found = new Map(requests.map((request) => [transferIdFor(request.statement), request]));
  const statements = statement.transferIds.map((transferId) => {
    const request = found.get(transferId);
    if (!request)
      throw cliFault('statement-mismatch', `the file has no request of ${transferId}`, { transferId });
    const origin = verifyOrigin(request, state.deploymentId, state.everRequestKeys, nativeVerifier);
    if (origin.kind === 'refused') {
      throw cliFault(
        'statement-mismatch',
        `the request of ${transferId} does not hold: ${origin.code}`,
        origin.facts,
      );
    }
    return request.statement;
  });
  if (new Set(statements.map(({ chain }) => chain)).size !== 1) {
    throw cliFault('statement-mismatch', 'the transfers are not all on one chain');
  }
  return statements;
}

/** Who asked for one of the transfers, or whoever else the key speaks for: they cannot count. */
export function askersOf(requests: readonly RequestStatement[], state: GovernanceState): ReadonlySet<string> {
  return new Set(
    requests.flatMap(({ requester, keyId }) => [
      requester,
      ...(state.everRequestKeys.get(keyId)?.owners ?? []),
    ]),
  );
}

/** What core refuses it for, were it signed by all that are needed: other deployment, moved governance, expired, too shallow. */
export function refusalOf(
  statement: BurialStatement,
  state: GovernanceState,
  nowMs: number,
): Outcome<undefined> {
  const verified = verifyBurial({ statement, signatures: [] }, state, new Set(), nativeVerifier, nowMs);
  return verified.kind === 'refused' && verified.code !== 'governance-quorum-missing'
    ? verified
    : accepted(undefined);
}

const draftOptions = z.object({ out: z.string().min(1), ...officerShape, ...pinShape });

function draft(given: Given<z.infer<typeof draftOptions>>, id: string): Promise<Outcome<Answer>> {
  const transferId = transferIdFrom(id);
  return asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
    const known = await api.get(`/v1/transfers/${transferId}/ways-out`, waysOut);
    if (known.kind === 'refused') return known;
    const statement = known.value.burial;
    if (statement === null) {
      const why = known.value.ways.find(({ way }) => way === 'bury')?.why ?? '';
      return refused('burial-not-possible', { transferId, why });
    }
    const requests: SignedRequest[] = [];
    for (const one of statement.transferIds) {
      const request = await readRequest(api, one);
      if (request.kind === 'refused') return request;
      requests.push(request.value);
    }
    const { state } = await newestGovernance(given, api);
    const refusal = refusalOf(statement, state, given.clock.nowMs());
    if (refusal.kind === 'refused') return refusal;
    const statements = requestsOf({ statement, requests }, state);
    const { out } = given.options;
    writeNew(out, jsonText({ statement, requests, signatures: [] } satisfies BurialFile));
    return accepted({
      json: { file: out, statement },
      lines: [
        ...burialLines(statement, statements, statements[0]?.chain ?? '', state, given.clock.nowMs()),
        '',
        [good('Written'), ` to ${out}, without signatures.`],
        `  It needs ${quorumWords(state.quorum)}, each: portcullis burial sign ${out}`,
      ],
    });
  });
}

const signOptions = z.object({
  yes: z.boolean().default(false),
  ...nodeShape,
  ...officerShape,
  ...pinShape,
});

function sign(given: Given<z.infer<typeof signOptions>>, path: string): Promise<Outcome<Answer>> {
  const file = readBurial(path);
  const { statement } = file;
  return asOfficerHere(given, async (here): Promise<Outcome<Answer>> => {
    const { state } = await newestGovernance(given, here.api);
    const nowMs = given.clock.nowMs();
    const refusal = refusalOf(statement, state, nowMs);
    if (refusal.kind === 'refused') return refusal;
    const requests = requestsOf(file, state);
    const chain = requests[0]?.chain ?? '';
    const personId = holderName(state, here.credentialId);
    if (askersOf(requests, state).has(personId)) return refused('approver-is-requester', { personId });
    const findings = await compareConflicting(ownNodes(given.options), statement.conflicting, chain);
    const compared: Line[] =
      findings.length === 0
        ? ['  Not compared with a node of yours: see --bitcoin-rpc and --ethereum-rpc, or look yourself.']
        : findingLines(findings);
    if (!given.terminal.json)
      given.terminal.tell(findings.some(({ says }) => says === 'differs') ? compared : []);
    requireSame(findings);
    const lines = [...burialLines(statement, requests, chain, state, nowMs), '', ...compared];
    const toSign = { bytes: burialBytes(statement), signatures: file.signatures, lines, file: path };
    const signature = await signedByOfficer(given, here, state, toSign);
    const signatures = [...file.signatures, signature];
    rewrite(path, jsonText({ ...file, signatures } satisfies BurialFile));
    return accepted({
      json: { file: path, signatures: signatures.map(({ credentialId }) => credentialId) },
      lines: [
        [good('Signed'), ` by ${personId} with ${here.credentialId}.`],
        ...signerLines(signatures, state),
      ],
    });
  });
}

function holderName(state: GovernanceState, credentialId: string): string {
  const person = [...state.persons.values()].find(({ credentials }) =>
    credentials.some((one) => one.credentialId === credentialId),
  );
  return person?.personId ?? credentialId;
}

export function burialCommands(cli: CommandLine): void {
  const burial = cli.group(
    'burial',
    'Say that what was signed for a transfer is dead, so that it can be paid anew',
  );

  cli.add(
    burial,
    {
      usage: 'draft <transfer>',
      summary: 'write down what is dead and what lies in the chain instead, for officers to sign',
      description:
        'Takes the draft that the orchestrator has for a transfer, checks it as every officer will, and writes it with the requests that it is about. There is one only when a transaction of this signer that pays none of the transfers lies deep enough in the chain: 6 blocks on Bitcoin, 64 on Ethereum.',
      example: 'burial draft tr-3f9a1c0b7d2e45863f9a1c0b7d2e45863f9a1c0b --out burial.json',
    },
    [['--out <file>', 'where to write it; must not exist'], ...pinFlags, ...officerFlags],
    draftOptions,
    (given, id = '') => draft(given, id),
  );

  cli.add(
    burial,
    {
      usage: 'sign <file>',
      summary: 'sign a burial with your token, after showing what it says',
      description:
        'Shows the transfers, made from the requests that the backends signed, every dead transaction, the one in the chain with its block and depth, and what signing means. Refuses to sign when the statement is not on top of the newest governance entry that you know, has expired, is too shallow, or is about your own request. With a node of your own it compares block, depth and transaction with that node, and signs nothing if one of them differs.',
      example:
        'burial sign burial.json --bitcoin-rpc http://127.0.0.1:8332 --bitcoin-cookie ~/.bitcoin/.cookie',
    },
    [['--yes', 'do not ask: a person has looked already'], ...nodeFlags, ...pinFlags, ...officerFlags],
    signOptions,
    (given, path = '') => sign(given, path),
  );

  cli.add(
    burial,
    {
      usage: 'submit <file>',
      summary: 'hand a signed burial to the signer, through the API',
      description:
        'The signer compares it with what it has signed itself, counts the quorum without whoever asked for the transfers, and decides. The transfers are paid anew while their requests live. Handing it in twice does no harm.',
      example: 'burial submit burial.json --config alice.yaml',
    },
    officerFlags,
    z.object(officerShape),
    (given, path = '') => {
      const { statement, signatures } = readBurial(path);
      return asOfficer(given, async ({ api }): Promise<Outcome<Answer>> => {
        const answer = await api.post('/v1/burials', { statement, signatures }, buryAnswer);
        if (answer.kind === 'refused') return answer;
        return accepted({
          json: answer.value,
          lines: [
            [good('Taken.'), ` The signer's journal says so at entry ${answer.value.journalSequence}.`],
            ...answer.value.transfers.map(
              ({ transferId, state }): Line => [
                'Transfer ',
                strong(transferId),
                ' is now: ',
                state === null ? 'not in these books' : stateSpan(state),
              ],
            ),
          ],
        });
      });
    },
  );
}
