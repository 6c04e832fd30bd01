/** Preloaded into a server: its modules are there already when its parent gives the start. It ends with its parent. */
import { once } from 'node:events'

process.once('disconnect', () => process.exit(1))
await import('../../../src/server.ts')
process.send?.('ready')
await once(process, 'message')
