/** Preloaded into a server: its modules are there already when its parent gives the start. */
import { once } from 'node:events'

await import('../../../src/server.ts')
process.send?.('ready')
await once(process, 'message')
