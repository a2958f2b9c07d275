// `portcullis refusals`: what policies refused, out of the service's books, for whoever puts it to a draft. One a line, with the
// request as its key signed it. Nothing is believed of it here; that is for `policy replay`.

import { z } from 'zod';
import { accepted, type Outcome } from '../core/fault.js';
import { canonicalJson } from '../core/statements/canonical-json.js';
import { requestDigest, signedRequest, transferIdOf } from '../core/statements/request.js';
import type { Api } from '../sdk/api.js';
import { readTransfer } from '../sdk/backend.js';
import { type Transfer, transferPage } from '../sdk/shapes.js';
import { asAnyone } from './caller.js';
import type { Answer, CommandLine } from './command-line.js';
import { cliFault } from './exit.js';
import { writeNewByPiece } from './files.js';
import { good } from './lines.js';
import { officerFlags, officerShape } from './options.js';
import { type RefusedRequest, refusedBecause, ruleName } from './refused-past.js';

/** Where what was refused is: it is void once the signer has said so. */
const STATES = ['refused', 'expired', 'void'] as const;
const NOS: readonly string[] = ['refused', 'expired'];
/** A request that expires there has waited for facts, or for people. */
const WAITING: readonly string[] = ['screened', 'decided', 'awaiting-approvals'];
const PAGE = '200';

/** Why policies said no to it; undefined of what ended otherwise. Exported for its test. */
export function policysNo({ transitions, rule }: Transfer): Omit<RefusedRequest, 'request'> | undefined {
  const no = transitions.findLast(({ to }) => NOS.includes(to));
  const code = refusedBecause.safeParse(no?.reason.code);
  if (!no || !code.success) return undefined;
  if (code.data === 'request-expired' && !WAITING.includes(no.from ?? '')) return undefined;
  const { rule: refusing, limit, refusedBy } = no.reason.facts;
  const by = refusedBy === 'signer' ? refusedBy : 'orchestrator';
  return {
    atMs: no.atMs,
    code: code.data,
    by,
    // The signer says of no rule that it is `none`, which is no name of one.
    rule: ruleName.safeParse(refusing ?? rule).data ?? null,
    limit: ruleName.safeParse(limit).data ?? null,
  };
}

async function lineOf(api: Api, transferId: string): Promise<Outcome<string | undefined>> {
  const transfer = await readTransfer(api, transferId);
  if (transfer.kind === 'refused') return transfer;
  const no = policysNo(transfer.value);
  if (!no) return accepted(undefined);
  const request = await api.get(`/v1/transfers/${transferId}/request`, signedRequest);
  if (request.kind === 'refused') return request;
  if (transferIdOf(requestDigest(request.value.statement)) !== transferId) {
    throw cliFault('api-answer-malformed', `the service has another request for ${transferId}`, {
      transferId,
    });
  }
  return accepted(`${canonicalJson({ ...no, request: request.value })}\n`);
}

/**
 * Newest first; none that `saved` has: between two pages a transfer may have become void. Faults `api-answer-malformed` where a
 * page leads back to one that was there.
 */
async function saveState(
  api: Api,
  state: string,
  append: (line: string) => void,
  saved: Set<string>,
): Promise<Outcome<undefined>> {
  const seen = new Set<string | undefined>();
  for (let cursor: string | undefined; ; ) {
    seen.add(cursor);
    const page: Outcome<z.infer<typeof transferPage>> = await api.get('/v1/transfers', transferPage, {
      state,
      limit: PAGE,
      cursor,
    });
    if (page.kind === 'refused') return page;
    const { items, nextCursor }: z.infer<typeof transferPage> = page.value;
    for (const { transferId } of items.filter((one) => !saved.has(one.transferId))) {
      const line = await lineOf(api, transferId);
      if (line.kind === 'refused') return line;
      if (line.value === undefined) continue;
      append(line.value);
      saved.add(transferId);
    }
    if (nextCursor === null) return accepted(undefined);
    if (seen.has(nextCursor)) throw cliFault('api-answer-malformed', 'a page of transfers leads back', {});
    cursor = nextCursor;
  }
}

async function saveAll(api: Api, out: string): Promise<Outcome<Answer>> {
  return writeNewByPiece(out, 0o600, async (append): Promise<Outcome<Answer>> => {
    const saved = new Set<string>();
    for (const state of STATES) {
      const outcome = await saveState(api, state, append, saved);
      if (outcome.kind === 'refused') return outcome;
    }
    const count = saved.size;
    return accepted({
      json: { file: out, refused: count },
      lines: [[good('Saved'), ` ${count} refused request${count === 1 ? '' : 's'} in ${out}.`]],
    });
  });
}

export function refusalsCommand(cli: CommandLine): void {
  cli.add(
    cli.program,
    {
      usage: 'refusals',
      summary: 'save the requests that policies refused',
      description:
        "Signed requests that rules or limits refused, or that approvals or facts never came for, one a line, for `policy replay --refused`; a backend gets those of its own owners alone. Each proves who asked; that the list is whole, and when and why they were refused, is the service's word.",
      example: 'refusals --out refused.jsonl',
    },
    [['--out <file>', 'where to write them; must not exist'], ...officerFlags],
    z.object({ out: z.string().min(1), ...officerShape }),
    (given) => asAnyone(given, (api) => saveAll(api, given.options.out)),
  );
}
