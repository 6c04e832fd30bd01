/**
 * Who uses an embedded server: each process holds a shared lock on a connection of its own, and whoever leaves last
 * ends the server. A killed process leaves nothing behind, as its locks end with its connection.
 */
import { Client } from 'pg'
import { codeOf, isOutage } from '../errors.ts'

export type Owner = 'serve' | 'command'

export interface Presence {
  /** Resolves when the connection breaks. */
  lost: Promise<void>
  /** Waits for the right to serve; undefined once it is ours, else who has it. */
  claim(): Promise<Holder | undefined>
  /** Answers whether nobody else is present; then nobody can enter either, until `close`. */
  leave(): Promise<boolean>
  close(): Promise<void>
}

export interface Holder {
  pid: string
  since: Date
}

const namespace = 0x636c6176 // 'clav'
const present = [namespace, 1]
const serving = [namespace, 2]
const lockNotAvailable = '55P03'

/** Undefined while the server does not accept us; `reachable` tells whether there is one at all. */
export async function enter(
  url: string,
  owner: Owner,
): Promise<{ presence?: Presence; reachable: boolean }> {
  const client = new Client({
    connectionString: url,
    application_name: `claviger ${owner} ${process.pid}`,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  const lost = new Promise<void>((resolve) => client.once('end', resolve))
  client.on('error', () => {}) // followed by 'end'
  try {
    await client.connect()
    const entered = await answer(
      client,
      'select pg_try_advisory_lock_shared($1, $2) as yes',
      present,
    )
    if (entered) return { presence: createPresence(client, lost), reachable: true }
    await client.end()
  } catch (error) {
    await client.end()
    if (!isOutage(error)) throw error
    return { reachable: !isAbsence(error) }
  }
  return { reachable: true }
}

function createPresence(client: Client, lost: Promise<void>): Presence {
  return {
    lost,
    async claim() {
      await client.query("set lock_timeout = '5s'")
      for (;;) {
        try {
          await client.query('select pg_advisory_lock($1, $2)', serving)
          return undefined
        } catch (error) {
          if (codeOf(error) !== lockNotAvailable) throw error
          const holder = await findHolder(client)
          if (holder) return holder // else it has just left
        }
      }
    },
    async leave() {
      await answer(client, 'select pg_advisory_unlock_shared($1, $2) as yes', present)
      return answer(client, 'select pg_try_advisory_lock($1, $2) as yes', present)
    },
    close: () => client.end(),
  }
}

async function findHolder(client: Client): Promise<Holder | undefined> {
  const { rows } = await client.query<Holder>(
    `select substring(a.application_name from '[0-9]+$') as pid, a.backend_start as since
     from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.classid = $1 and l.objid = $2 and l.granted`,
    serving,
  )
  return rows[0]
}

async function answer(client: Client, text: string, values: number[]): Promise<boolean> {
  const { rows } = await client.query<{ yes: boolean }>(text, values)
  return rows[0]?.yes === true
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED'].includes(codeOf(error) ?? '')
}
