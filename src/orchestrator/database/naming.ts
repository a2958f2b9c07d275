// Names in SQL: `createdAtMs` is the column `created_at_ms`, on both databases, so that hand-written SQL needs no quotes.

import { DefaultNamingStrategy } from 'typeorm';

export class SnakeCaseNames extends DefaultNamingStrategy {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    return [...prefixes.map(snakeCase), custom ?? snakeCase(property)].join('_');
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
