/** A process of its own that starts the embedded PostgreSQL, tells so, and stops it when told by any message. */
import { startEmbeddedPostgres } from '../../src/database/embedded/index.ts'

export type Report = { connection: string; dataDirectory: string } | { refusal: string }

const [dataDirectory = '', owner] = process.argv.slice(2)
const told = new Promise((resolve) => process.once('message', resolve))

try {
  const postgres = await startEmbeddedPostgres({
    dataDirectory,
    owner: owner === 'serve' ? 'serve' : 'command',
    log: () => {},
  })
  const { connection, dataDirectory: cluster } = postgres
  process.send?.({ connection, dataDirectory: cluster } satisfies Report)
  await told
  await postgres.stop()
} catch (error) {
  process.send?.({ refusal: String(error) } satisfies Report)
}
process.disconnect()
