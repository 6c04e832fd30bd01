/** The Database over node-postgres. Statements are unnamed, so that PgBouncer may pool by transaction. */
import { Client, Pool, types, type CustomTypesConfig, type PoolClient, type PoolConfig } from 'pg'
import { DatabaseUnavailable, type Database, type Queryable } from './database.ts'
import { toDatabaseError } from './errors.ts'
import { createListener } from './listener.ts'

export interface PoolOptions {
  /** Hears of connections that break while nobody waits for them. */
  onError: (error: unknown) => void
  maxConnections?: number
  connectTimeoutSeconds?: number
  statementTimeoutSeconds?: number
}

const int8 = 20
const ourTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 && format !== 'binary'
      ? toSafeNumber
      : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
}

/** `connection` is a postgresql:// URL. Connects when first asked. */
export function createDatabase(
  connection: string,
  {
    onError,
    maxConnections = 10,
    connectTimeoutSeconds = 3,
    statementTimeoutSeconds = 5,
  }: PoolOptions,
): Database {
  // Kept on our side outside transactions: poolers refuse statement_timeout among the startup parameters.
  const settings: PoolConfig = {
    connectionString: connection,
    fallback_application_name: 'claviger',
    connectionTimeoutMillis: connectTimeoutSeconds * 1000,
    query_timeout: statementTimeoutSeconds * 1000 + 500, // in a transaction the server's own limit comes first
    keepAlive: true,
    types: ourTypes,
  }
  const pool = new Pool({ ...settings, max: maxConnections, idleTimeoutMillis: 30_000 })
  pool.on('error', onError)
  const listener = createListener({ createClient: () => new Client(settings), onError })
  const begin = `begin;
    set local statement_timeout = '${statementTimeoutSeconds * 1000}';
    set local idle_in_transaction_session_timeout = '${statementTimeoutSeconds * 1000}'`

  return {
    query: (text, values) => query(pool, text, values),
    async transaction(work) {
      const client = await pool.connect().catch(rethrow)
      client.on('error', onError)
      let open = true
      let usable = false
      const transaction: Queryable = {
        query(text, values) {
          if (!open) throw new Error('A statement came after the end of its transaction')
          return query(client, text, values)
        },
      }
      try {
        await client.query(begin).catch(rethrow)
        const result = await work(transaction)
        open = false
        await commit(client)
        usable = true
        return result
      } catch (error) {
        open = false
        if (!(error instanceof DatabaseUnavailable)) usable = await rollBack(client)
        throw error
      } finally {
        client.off('error', onError)
        client.release(!usable) // a broken connection does not go back
      }
    },
    listen: (channel, onChange) => listener.listen(channel, onChange),
    waiting: () => pool.waitingCount,
    async close() {
      await listener.close()
      await pool.end()
    },
  }
}

async function query<Row extends object>(
  connection: Pool | PoolClient,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const result = await connection.query<Row>(text, [...values]).catch(rethrow)
  return result.rows
}

/** Postgres answers COMMIT with ROLLBACK when a statement failed and the work went on regardless. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch(rethrow)
  if (command === 'ROLLBACK')
    throw new Error('The transaction was rolled back: one of its statements had failed')
}

async function rollBack(client: PoolClient): Promise<boolean> {
  return client.query('rollback').then(
    () => true,
    () => false,
  )
}

function rethrow(error: unknown): never {
  throw toDatabaseError(error)
}

function toSafeNumber(text: string): number | string {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}
