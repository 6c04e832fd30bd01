/** JSON that clients publish and this server fetches: keys, metadata, lists of redirect URIs. */
export interface FetchedDocument {
  document: unknown
  /** What HTTP says of how long it may be used again; 0 not at all, undefined nothing. */
  maxAgeSeconds: number | undefined
}

/** Answers a failure in few words that hold nothing of what was fetched. */
export type FetchDocument = (
  uri: string,
  limits: { maxBytes: number },
) => Promise<FetchedDocument | { failure: string }>
