// The database as a Nest module, open as long as the program runs.

import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../../core/clock.js';
import { CLOCK } from '../tokens.js';
import { Database, type DatabaseOptions } from './database.js';
import { DatabaseClock } from './database-clock.js';

@Global()
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [{ provide: Database, useFactory: () => openDatabase(options) }],
      exports: [Database],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.clock instanceof DatabaseClock) this.clock.stop();
    await this.database.close();
  }
}

/** Nothing is given the database before the clock goes by it. */
async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = await Database.open(options);
  try {
    if (options.clock instanceof DatabaseClock) await options.clock.follow(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
