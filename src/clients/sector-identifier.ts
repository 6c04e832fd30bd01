/** The redirect URIs that share one pairwise subject (OpenID Connect Registration §5, sector_identifier_uri). */
import type { FetchDocument } from './documents.ts'

const maxBytes = 64 * 1024

/** Answers the list, or in few words why there is none. */
export type FetchSectorIdentifier = (uri: string) => Promise<string[] | { failure: string }>

export function createFetchSectorIdentifier({
  fetchDocument,
}: {
  fetchDocument: FetchDocument
}): FetchSectorIdentifier {
  return async (uri) => {
    if (!uri.startsWith('https://')) return { failure: 'no https URL' }
    const fetched = await fetchDocument(uri, { maxBytes })
    if ('failure' in fetched) return fetched
    const { document } = fetched
    return Array.isArray(document) && document.every((item) => typeof item === 'string')
      ? document
      : { failure: 'an answer that is not a JSON array of redirect URIs' }
  }
}
