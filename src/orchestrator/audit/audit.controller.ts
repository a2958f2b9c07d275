// The audit log over HTTP: for looking things up, and for whoever keeps a copy of it.

import { Controller } from '@nestjs/common';
import { CHECKPOINT_PATH } from '../../core/audit/tile-path.js';
import { accepted, type Outcome, refused } from '../../core/fault.js';
import { Database } from '../database/database.js';
import { Input, type InputOf, Serves } from '../http/endpoint.js';
import {
  type AuditFileAnswer,
  type AuditPageAnswer,
  DEFAULT_ITEMS,
  getAuditFile,
  searchAudit,
} from './audit.endpoints.js';
import { headOf } from './audit.log.js';
import { type AuditQuery, searchAudit as search } from './audit.search.js';
import { Checkpoints } from './checkpoints.js';
import { storedLog } from './stored-tiles.js';

type Query = InputOf<typeof searchAudit>['query'];

/** What an entry may be about, by the name of the filter. */
const SUBJECTS = {
  transfer: 'transfer',
  wallet: 'wallet',
  credential: 'credential',
  key: 'key',
  entry: 'governance-entry',
  proposal: 'proposal',
  policy: 'policy',
} as const;

function queryOf({ person, kind, from, to, before, limit, ...about }: Query): AuditQuery {
  const names = Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[];
  return {
    subjects: names.flatMap((name) => {
      const id = about[name];
      return id === undefined ? [] : [{ kind: SUBJECTS[name], id: `${id}` }];
    }),
    ...(person === undefined ? {} : { person }),
    ...(kind === undefined ? {} : { kind }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
    ...(before === undefined ? {} : { before }),
    limit: limit ?? DEFAULT_ITEMS,
  };
}

@Controller()
export class AuditController {
  constructor(
    private readonly database: Database,
    private readonly checkpoints: Checkpoints,
  ) {}

  @Serves(searchAudit)
  async search(@Input() { query }: InputOf<typeof searchAudit>): Promise<Outcome<AuditPageAnswer>> {
    const { items, nextBefore } = await this.database.read((db) => search(db, queryOf(query)));
    return accepted({ items: [...items], nextBefore });
  }

  @Serves(getAuditFile)
  async file(
    @Input() { query: { path } }: InputOf<typeof getAuditFile>,
  ): Promise<Outcome<AuditFileAnswer, 'audit-file-unknown'>> {
    const bytes = path === CHECKPOINT_PATH ? await this.checkpoint() : await this.tile(path);
    return bytes
      ? accepted({ path, bytes: Buffer.from(bytes).toString('base64') })
      : refused('audit-file-unknown', { path });
  }

  private async checkpoint(): Promise<Uint8Array | undefined> {
    const newest = await this.checkpoints.newest();
    return newest && Buffer.from(newest.note, 'utf8');
  }

  private tile(path: string): Promise<Uint8Array | undefined> {
    return this.database.read(async (db) => {
      const { size } = await headOf(db);
      return storedLog(db, size).readTile(path);
    });
  }
}
