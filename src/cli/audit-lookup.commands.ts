// `portcullis audit find`, `transfer`, `export`, `mirror`: what the orchestrator's audit log says, and a copy of it to check
// and to keep. Answers are the orchestrator's word until `audit verify` has gone through a copy.

import type { Command } from 'commander';
import { z } from 'zod';
import { type Checkpoint, openCheckpoint, parseCheckpoint } from '../core/audit/checkpoint.js';
import { type AuditEntry, auditKind } from '../core/audit/entry.js';
import { isSameHash } from '../core/audit/merkle.js';
import { type NoteKey, parseNote } from '../core/audit/note.js';
import { rootAt } from '../core/audit/prove.js';
import { checkPublicForm, type PublicForm } from '../core/audit/public-form.js';
import { base64Of } from '../core/audit/texts.js';
import { CHECKPOINT_PATH, HASH_LEVELS, tilePath, tilesOf } from '../core/audit/tile-path.js';
import type { TileReader } from '../core/audit/tiles.js';
import { accepted, type Outcome, refused } from '../core/fault.js';
import { approvalWords } from '../core/policy/approvals.js';
import { identifier, sha256Hex } from '../core/statements/fields.js';
import { nativeVerifier } from '../platform/native-verifier.js';
import type { Api } from '../sdk/api.js';
import {
  type AuditFilters,
  type AuditItem,
  findAudit,
  readAuditCheckpoint,
  readAuditFile,
} from '../sdk/audit.js';
import { readTransfer } from '../sdk/backend.js';
import type { Transfer } from '../sdk/shapes.js';
import { asAnyone, asOfficer } from './caller.js';
import type { Answer, CommandLine, Given } from './command-line.js';
import { writeNewByPiece } from './files.js';
import { attention, faint, fields, good, type Line, strong, table } from './lines.js';
import { logFolder, makeLogFolder, moveLogFile, withStaging, writeLogFile } from './log-folder.js';
import { apiFlags, logKeyFlags, logKeyFrom, officerFlags, officerShape, tokenFlags } from './options.js';
import { transferIdFrom } from './transfer.commands.js';
import { instant } from './words.js';

const time = z.iso
  .datetime({ offset: true, error: 'a time is written like 2026-11-27T14:00:00Z' })
  .or(z.iso.date())
  .transform((text) => `${new Date(text).getTime()}`)
  .exactOptional();

const filterShape = {
  transfer: z.string().exactOptional(),
  wallet: identifier.exactOptional(),
  by: identifier.exactOptional(),
  officer: identifier.exactOptional(),
  requestKey: identifier.exactOptional(),
  entry: z
    .string()
    .regex(/^[0-9]{1,15}$/, 'a number')
    .exactOptional(),
  proposal: sha256Hex.exactOptional(),
  policy: sha256Hex.exactOptional(),
  kind: auditKind.exactOptional(),
  from: time,
  to: time,
};
const counted = z.string().regex(/^[0-9]{1,15}$/, 'a number');
const filterOptions = z.object({ ...filterShape, ...officerShape });
const findOptions = filterOptions.extend({
  limit: counted.exactOptional(),
  before: counted.exactOptional(),
});
const exportOptions = filterOptions.extend({ format: z.enum(['jsonl', 'csv']).exactOptional() });
const officerOptions = z.object(officerShape);
/** The label of the credential's own key is for the configuration to say. */
const mirrorOptions = officerOptions.extend({ key: z.string(), whole: z.boolean().exactOptional() });

const filterFlags: readonly (readonly [string, string])[] = [
  ['--transfer <id>', 'about this transfer'],
  ['--wallet <id>', 'about this wallet'],
  [
    '--officer <person>',
    'done by this person, where it is still known who it was, or signed with any credential they ever had',
  ],
  ['--by <credential>', 'signed with this credential'],
  ['--request-key <id>', 'by this request key'],
  ['--entry <sequence>', 'about this entry of the governance log'],
  ['--proposal <id>', 'about this proposal of a change of governance'],
  ['--policy <hash>', 'decided under these policies'],
  ['--kind <kind>', auditKind.options.join(', ')],
  ['--from <time>', 'from then on, like 2026-11-27T14:00:00Z'],
  ['--to <time>', 'before then'],
];

/** The API's names are those of the log; the command line's are those of people. */
function filtersOf(options: z.infer<typeof filterOptions>): AuditFilters {
  const { transfer, wallet, officer, by, requestKey, entry, proposal, policy, kind, from, to } = options;
  return {
    transfer: transfer === undefined ? undefined : transferIdFrom(transfer),
    wallet,
    person: officer,
    credential: by,
    key: requestKey,
    entry,
    proposal,
    policy,
    kind,
    from,
    to,
  };
}

function aboutWords({ subjects }: AuditEntry): string {
  return subjects
    .filter(({ kind }) => kind !== 'policy')
    .map(({ kind, id }) => (kind === 'transfer' ? id : `${kind} ${id}`))
    .join(', ');
}

function itemLines(items: readonly AuditItem[]): Line[] {
  return table(
    ['entry', 'when', 'kind', 'what', 'by', 'about'],
    items.map(({ entry, person }) => [
      `${entry.sequence}`,
      instant(entry.atMs),
      entry.kind,
      [strong(entry.what)],
      person ?? '',
      aboutWords(entry),
    ]),
  );
}

async function find(given: Given<z.infer<typeof findOptions>>): Promise<Outcome<Answer>> {
  const { limit, before } = given.options;
  const page = await asOfficer(given, ({ api }) =>
    findAudit(api, { ...filtersOf(given.options), limit, before }),
  );
  if (page.kind === 'refused') return page;
  const { items, nextBefore } = page.value;
  return accepted({
    json: page.value,
    lines: [
      ...(items.length === 0 ? ['Nothing in the log fits that.'] : itemLines(items)),
      ...(nextBefore === null ? [] : [[faint(`More: the same with --before ${nextBefore}`)]]),
    ],
  });
}

/** Pages of the log, newest first, until there are no more. */
async function* pagesOf(api: Api, filters: AuditFilters): AsyncGenerator<Outcome<readonly AuditItem[]>> {
  for (let before: string | undefined; ; ) {
    const page = await findAudit(api, { ...filters, before, limit: '200' });
    if (page.kind === 'refused') {
      yield page;
      return;
    }
    yield accepted(page.value.items);
    const { nextBefore } = page.value;
    // A page that does not lead on would be asked for without end.
    if (nextBefore === null || (before !== undefined && nextBefore >= Number(before))) return;
    before = `${nextBefore}`;
  }
}

async function itemsOf(api: Api, filters: AuditFilters): Promise<Outcome<AuditItem[]>> {
  const items: AuditItem[] = [];
  for await (const page of pagesOf(api, filters)) {
    if (page.kind === 'refused') return page;
    items.push(...page.value);
  }
  return accepted(items);
}

function decisionLines({ rule, policyHash, approvals }: Transfer): Line[] {
  return fields([
    ['rule', rule ?? 'none: no policy has decided it'],
    ['policies', policyHash ?? 'none'],
    ['asked for', approvals.required.length === 0 ? 'nobody' : approvalWords(approvals.required)],
    [
      'given',
      ...(approvals.given.length === 0
        ? ['nothing']
        : approvals.given.map(
            ({ personId, credentialId, verdict, atMs }): Line => [
              strong(personId),
              ` ${verdict === 'approve' ? 'approved' : 'rejected'} with ${credentialId}, ${instant(atMs)}`,
            ],
          )),
    ],
    ['over', approvals.statementDigest ?? 'no statement'],
  ]);
}

async function transfer(
  given: Given<z.infer<typeof officerOptions>>,
  text: string,
): Promise<Outcome<Answer>> {
  const transferId = transferIdFrom(text);
  return asOfficer(given, async ({ api }) => {
    const one = await readTransfer(api, transferId);
    if (one.kind === 'refused') return one;
    const items = await itemsOf(api, { transfer: transferId });
    if (items.kind === 'refused') return items;
    const { rule, policyHash, approvals } = one.value;
    return accepted({
      json: { transferId, rule, policyHash, approvals, entries: items.value },
      lines: [
        [
          strong(transferId),
          ': who approved it under which rules, and what the log says, as the orchestrator tells it',
        ],
        ...decisionLines(one.value),
        '',
        ...itemLines(items.value.toReversed()),
        '',
        [
          faint(
            'The signed proof of the decision is its certificate: `portcullis certificate`, then `verify`.',
          ),
        ],
      ],
    });
  });
}

const CSV_COLUMNS = ['sequence', 'at', 'kind', 'what', 'person', 'subjects'] as const;

/** RFC 4180. A cell that a spreadsheet would take for a formula is one of text. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function csvLine({ entry, person }: AuditItem): string {
  const subjects = entry.subjects.map(({ kind, id }) => `${kind}:${id}`).join(' ');
  const at = new Date(entry.atMs).toISOString();
  return [`${entry.sequence}`, at, entry.kind, entry.what, person ?? '', subjects].map(csvCell).join(',');
}

/** Page by page, as the API gives them: a log need not fit into memory. */
async function exportTo(given: Given<z.infer<typeof exportOptions>>, path: string): Promise<Outcome<Answer>> {
  const isCsv = given.options.format === 'csv';
  const lineOf = isCsv ? csvLine : (item: AuditItem) => JSON.stringify(item);
  const entries = await writeNewByPiece(path, 0o600, (append) =>
    asOfficer(given, async ({ api }) => {
      if (isCsv) append(`${CSV_COLUMNS.map(csvCell).join(',')}\n`);
      let count = 0;
      for await (const page of pagesOf(api, filtersOf(given.options))) {
        if (page.kind === 'refused') return page;
        append(page.value.map((item) => `${lineOf(item)}\n`).join(''));
        count += page.value.length;
      }
      return accepted(count);
    }),
  );
  if (entries.kind === 'refused') return entries;
  return accepted({
    json: { path, entries: entries.value },
    lines: [[good('✓'), ` ${entries.value} entries in `, strong(path)]],
  });
}

/** What the note that is here already says: its signature was looked at when it came. */
function checkpointIn(bytes: Uint8Array): Outcome<Checkpoint> {
  const note = parseNote(bytes);
  return note.kind === 'refused' ? note : parseCheckpoint(note.value.text);
}

async function mirror(given: Given<z.infer<typeof mirrorOptions>>, folder: string): Promise<Outcome<Answer>> {
  const { key, whole: isWhole = false, ...options } = given.options;
  const logKey = logKeyFrom(key);
  const copy = await asAnyone({ ...given, options }, (api) => copyLog(api, folder, logKey, isWhole));
  if (copy.kind === 'refused') return copy;
  const { size, root, files, before } = copy.value;
  return accepted({
    json: { folder, size, root: base64Of(root), files, before: before ?? null, whole: isWhole },
    lines: [
      [good('✓'), ' ', strong(folder), ` has ${size} entries; ${files} files are new`],
      ...(before === undefined
        ? [[attention('! '), 'There was no checkpoint here before to compare it with.']]
        : [[good('✓'), ` the log begins as it was with ${before} entries`]]),
      isWhole
        ? [good('✓'), ' every entry and every tile is what the checkpoint says']
        : [
            faint(
              `Every entry and tile by itself: --whole, or \`portcullis audit verify ${folder} --key ${key}\`.`,
            ),
          ],
    ],
  });
}

interface Copy extends Checkpoint {
  /** How many were fetched. */
  readonly files: number;
  /** The size that the log here had before. */
  readonly before: number | undefined;
}

/** What was fetched gets into the folder only when it was found to be what was signed. */
async function copyLog(api: Api, folder: string, key: NoteKey, isWhole: boolean): Promise<Outcome<Copy>> {
  const note = await readAuditCheckpoint(api);
  if (note.kind === 'refused') return note;
  const checkpoint = openCheckpoint(note.value, key, nativeVerifier);
  if (checkpoint.kind === 'refused') return checkpoint;
  makeLogFolder(folder);
  const here = logFolder(folder);
  return withStaging(folder, async (staging) => {
    const files = await fetchInto(staging, missingPaths(here, checkpoint.value.size), api);
    if (files.kind === 'refused') return files;
    const fetched = logFolder(staging);
    const before = await growthOf(here, fetched, checkpoint.value);
    if (before.kind === 'refused') return before;
    const checked = isWhole ? await checkWhole(here, fetched, note.value, key) : accepted(undefined);
    if (checked.kind === 'refused') return checked;
    for (const path of fetched.paths) moveLogFile(staging, folder, path);
    // Last: what it is about is there.
    writeLogFile(staging, CHECKPOINT_PATH, note.value);
    moveLogFile(staging, folder, CHECKPOINT_PATH);
    return accepted({ ...checkpoint.value, files: files.value, before: before.value });
  });
}

/** One after the other: a checkpoint may speak of any number of files. */
function* missingPaths({ paths }: PublicForm, size: number): Generator<string> {
  const known = new Set(paths);
  for (const level of ['entries', ...HASH_LEVELS] as const) {
    for (const tile of tilesOf(level, size)) {
      const path = tilePath(tile);
      if (!known.has(path)) yield path;
    }
  }
}

async function fetchInto(staging: string, paths: Iterable<string>, api: Api): Promise<Outcome<number>> {
  let count = 0;
  for (const path of paths) {
    const file = await readAuditFile(api, path);
    if (file.kind === 'refused') return file;
    writeLogFile(staging, path, file.value);
    count += 1;
  }
  return accepted(count);
}

/**
 * The size that the log here had before, if it had one, after what is here and what was fetched were found to lead to the
 * root that was signed, and to begin as the log here did. Tiles that no root is worked out from are for `audit verify`.
 */
async function growthOf(
  here: PublicForm,
  fetched: TileReader,
  { origin, size, root }: Checkpoint,
): Promise<Outcome<number | undefined>> {
  const readTile = async (path: string) => (await fetched.readTile(path)) ?? here.readTile(path);
  const rootNow = await rootAt({ size, readTile }, size);
  if (rootNow.kind === 'refused') return rootNow;
  if (!isSameHash(rootNow.value, root)) return refused('audit-log-other', { now: size });
  const bytes = await here.readTile(CHECKPOINT_PATH);
  if (bytes === undefined) return accepted(undefined);
  const before = checkpointIn(bytes);
  if (before.kind === 'refused') return before;
  if (before.value.origin !== origin)
    return refused('audit-log-of-other-origin', { before: before.value.origin, now: origin });
  const facts = { before: before.value.size, now: size };
  if (facts.before > size) return refused('audit-log-shorter', facts);
  const rootThen = await rootAt({ size, readTile }, facts.before);
  if (rootThen.kind === 'refused') return rootThen;
  return isSameHash(rootThen.value, before.value.root)
    ? accepted(facts.before)
    : refused('audit-log-other', facts);
}

/** Every entry and every tile that the folder would have then, worked out again. */
async function checkWhole(
  here: PublicForm,
  fetched: PublicForm,
  note: Uint8Array,
  key: NoteKey,
): Promise<Outcome<undefined>> {
  const form = {
    paths: [...new Set([...here.paths, ...fetched.paths, CHECKPOINT_PATH])],
    readTile: async (path: string) =>
      path === CHECKPOINT_PATH ? note : ((await fetched.readTile(path)) ?? here.readTile(path)),
  };
  const checked = await checkPublicForm(form, key, nativeVerifier);
  if (checked.kind === 'refused') return checked;
  const { findings } = checked.value;
  const [first] = findings;
  return first
    ? refused('audit-log-not-whole', { findings: findings.length, first: first.kind, path: first.path })
    : accepted(undefined);
}

/** Into the group of the log's commands. */
export function auditLookupCommands(cli: CommandLine, audit: Command): void {
  cli.add(
    audit,
    {
      usage: 'find',
      summary: 'look things up in the audit log: by transfer, officer, wallet, kind and time',
      description:
        'Newest first; all that is given has to fit. What is shown is what the orchestrator says, and that you looked is in the log. Takes an officer.',
      example: 'audit find --officer ada --kind approval --from 2026-11-20',
    },
    [
      ...filterFlags,
      ['--limit <n>', 'so many at most; 50 unless said, 200 at most'],
      ['--before <n>', 'only entries before this place in the log'],
      ...officerFlags,
    ],
    findOptions,
    find,
  );
  cli.add(
    audit,
    {
      usage: 'transfer <transfer>',
      summary: 'who approved what under which rules, for one transfer',
      description:
        'The rule that decided, the policies by their hash, the approvals that it asked for and those that were given, and every entry of the log about it.',
      example: 'audit transfer tr-e36b254f27397a8e03389ce4e1d36a379ca244c5',
    },
    officerFlags,
    officerOptions,
    transfer,
  );
  cli.add(
    audit,
    {
      usage: 'export <file>',
      summary: 'write what the log says to a file, as JSON Lines or CSV',
      description:
        'With the same filters as `find`, newest first. JSON Lines quote the records as well, CSV does not. It names people: for the eyes of auditors. A file that is there is not overwritten.',
      example: 'audit export november.csv --format csv --from 2026-11-01 --to 2026-12-01',
    },
    [...filterFlags, ['--format <format>', 'jsonl, which it is unless said, or csv'], ...officerFlags],
    exportOptions,
    exportTo,
  );
  cli.add(
    audit,
    {
      usage: 'mirror <folder>',
      summary: "copy the log's public form into a folder, and go on from what is there",
      description:
        'Fetches the newest checkpoint, verifies it with the key that you know from elsewhere, and fetches every file that it is about and that is not there yet. They must lead to the signed root, and where the folder has an earlier checkpoint, it must be of this log and the log must begin as it was then, or nothing is taken over. Until then they lie beside the folder, in one whose name ends in .mirror-new. Nothing in it names a person: a mirror may be shown to everybody. Whether each entry and each tile is what it must be is looked at with --whole before anything is taken over, and by `audit verify` afterwards. A log of another name needs a folder of its own. The label of your key on the token is the one in the configuration.',
      example: 'audit mirror /var/lib/audit-mirror --key exchange.example/audit+3f9a1c0b+AQID…',
    },
    [
      ...logKeyFlags,
      [
        '--whole',
        'work out every entry and every tile again, of all that is there, and take nothing over unless they agree',
      ],
      ...apiFlags,
      ['--credential <id>', 'your credential, as the roster names it'],
      ...tokenFlags,
    ],
    mirrorOptions,
    mirror,
  );
}
