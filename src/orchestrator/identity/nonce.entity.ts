import { Column, Entity } from 'typeorm';
import { textColumn, timeColumn } from '../database/columns.js';

/** A nonce that was used, until the signature that carried it can no longer be valid anywhere. */
@Entity('http_nonces')
export class HttpNonce {
  /** Algorithm and key id: two keys may choose the same nonce. */
  @Column(textColumn({ primary: true })) signer!: string;
  @Column(textColumn({ primary: true })) nonce!: string;
  @Column(timeColumn()) expiresAtMs!: number;
}
