/** The witness of a request over a watch that remembers what it was told. */
import type { TokenEvent } from '../../src/watch/events.ts'
import { createWitness, type Witness } from '../../src/watch/witness.ts'

const ignore = () => {}

export function createTestWitness(): { witness: Witness; events: TokenEvent[] } {
  const events: TokenEvent[] = []
  const watch = { record: (event: TokenEvent) => void events.push(event), countRefresh: ignore }
  const log = { debug: ignore, info: ignore, warn: ignore }
  const origin = { requestId: 'r', network: '192.0.2.0/24', log }
  return { witness: createWitness(watch, origin), events }
}
