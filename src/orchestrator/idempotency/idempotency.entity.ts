import { Column, Entity } from 'typeorm';
import { textColumn, timeColumn } from '../database/columns.js';

/** One Idempotency-Key of one principal, bound to the call that it was used for. */
@Entity('idempotency_keys')
export class BoundKey {
  @Column(textColumn({ primary: true })) principal!: string;
  @Column(textColumn({ primary: true })) idempotencyKey!: string;
  /** SHA-256 over method, path and body. */
  @Column(textColumn()) fingerprint!: string;
  /** JSON of the answer; null between the effect and the answer. */
  @Column(textColumn({ nullable: true })) answer!: string | null;
  @Column(timeColumn()) expiresAtMs!: number;
}
