/** What the watch of a provider has written down. */
import type { StoredEvent } from '../../src/watch/events-store.ts'
import { createEventStore } from '../../src/watch/events-store.ts'
import type { TestProvider } from './provider.ts'

/** Everything so far, the oldest first, as rows of the database. */
export async function recordedEvents({
  services,
  database,
}: Pick<TestProvider, 'services' | 'database'>): Promise<StoredEvent[]> {
  await services.events.flush()
  return createEventStore(database).list({ since: new Date(0), limit: 10_000 })
}

/** A request with these headers comes from a network of its own, for a provider behind one proxy. */
export function from(address: string): Record<string, string> {
  return { 'x-forwarded-for': address }
}
