// Teeth of the records on a token. They are shown on a token that is played, since a mutation does not reach the process that
// has the real one.

import { type Tooth, teethOf } from '../tooth.js';

export const TOKEN_RECORDS: readonly Tooth[] = [
  ...teethOf('hardware/pkcs11/token-records.ts', 'hardware/pkcs11/token-records.spec.ts', [
    {
      code: 'record-changed',
      without: 'the demand that the record to be replaced is there',
      was: 'if (replaces !== undefined && !isRecord(newest, replaces) && !isRecord(newest, record)) {',
      becomes: 'if (false) {',
      title: 'a record on a token is the newest one of at most two objects',
    },
    {
      code: 'record-stale',
      without: 'the demand that a record is newer than the one that is there',
      was: 'if (newest !== undefined && record.version <= newest.record.version) {',
      becomes: 'if (newest !== undefined && isRecord(newest, record)) {',
      title: 'a record on a token is not replaced by one of the past',
    },
    {
      code: 'record-duplicate',
      without: 'the look at whether two of one version differ',
      was: 'if (next?.version === record.version && !Buffer.from(next.value).equals(record.value)) {',
      becomes: 'if (false) {',
      title: 'a record on a token is not chosen from two of one version that differ (record-duplicate)',
    },
    {
      code: 'record-malformed',
      without: 'the bound on how many objects have its name',
      was: 'if (found.length > MOST_OBJECTS) {',
      becomes: 'if (false) {',
      title: 'a record on a token is not looked for among more objects than there ever should be',
    },
    {
      code: 'record-malformed',
      without: 'reading back what was written',
      was: 'if (!readBytes(api, session, written).equals(bytes)) {',
      becomes: 'if (false) {',
      title: 'a record on a token is read back when it was written',
    },
  ]),
  ...teethOf('hardware/pkcs11/record-format.ts', 'hardware/pkcs11/record-format.spec.ts', [
    {
      code: 'record-malformed',
      without: 'the checksum of a record',
      was: '    !checksum(name, body).equals(stored.subarray(bodyBytes))\n',
      becomes: '    false\n',
      title: 'a record on a token refuses record-malformed when any bit of it is another',
    },
  ]),
];
