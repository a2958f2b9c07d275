// The mirror of the signer's governance log. Only ever inserted into; read back, every row is replayed and verified.

import { Column, Entity } from 'typeorm';
import { integerColumn, textColumn, timeColumn } from '../database/columns.js';

@Entity('governance_entries')
export class GovernanceEntryRow {
  @Column(integerColumn({ primary: true })) sequence!: number;
  @Column(textColumn()) hash!: string;
  /** JSON of the entry with its signatures, as the signer gave it. */
  @Column(textColumn()) entry!: string;
  @Column(timeColumn()) mirroredAtMs!: number;
}

export const governanceEntities = [GovernanceEntryRow];
