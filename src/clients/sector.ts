/** Whether a client knows people by pairwise subjects, and which clients share them (OpenID Connect Core §8, Registration §5). */
import { isNative } from '../protocol/redirect-uri.ts'
import type { ClientMetadata } from './metadata.ts'
import type { FetchSectorIdentifier } from './sector-identifier.ts'

export const subjectTypes = ['public', 'pairwise'] as const

export type SubjectType = (typeof subjectTypes)[number]

type SectorMetadata = Pick<
  ClientMetadata,
  'subject_type' | 'sector_identifier_uri' | 'redirect_uris'
>

/** §8.1: the host whose clients know a user by the same subject; undefined for a client that knows the `sub` itself. */
export function sectorOf(metadata: SectorMetadata): string | undefined {
  if (metadata.subject_type !== 'pairwise') return undefined
  const { sector_identifier_uri: uri = metadata.redirect_uris[0] } = metadata
  return uri && new URL(uri).hostname
}

/** Whether it has a sector. On a person's own device, where every native application is, there is none. */
export function hasSector({ sector_identifier_uri: uri, redirect_uris: uris }: SectorMetadata) {
  if (uri !== undefined) return true
  const hosts = new Set(uris.map((one) => (isNative(one) ? '' : new URL(one).hostname)))
  return hosts.size === 1 && !hosts.has('')
}

export interface SectorFault {
  /** A whole sentence that names the member. */
  message: string
  /** What fetching the document has told of where this server can go: for administrators and the log. */
  detail?: string
}

export type FindSectorFault = (
  metadata: SectorMetadata,
  before?: SectorMetadata,
) => Promise<SectorFault | undefined>

/** §5: the document of the sector lists every redirect URI. What was vouched for `before` is not asked again. */
export function createFindSectorFault({
  fetchSectorIdentifier,
}: {
  fetchSectorIdentifier: FetchSectorIdentifier
}): FindSectorFault {
  return async (metadata, before) => {
    const { sector_identifier_uri: uri, redirect_uris: redirectUris } = metadata
    if (uri === undefined || (before && isSameSector(metadata, before))) return undefined
    const listed = await fetchSectorIdentifier(uri)
    if ('failure' in listed)
      return {
        message:
          'sector_identifier_uri: It must give a JSON array of redirect URIs, and could not be read.',
        detail: listed.failure,
      }
    const missing = redirectUris.find((one) => !listed.includes(one))
    if (missing === undefined) return undefined
    return {
      message: `sector_identifier_uri: Its list lacks the redirect URI ${missing}. Add it there.`,
    }
  }
}

/** Whether all that the document of the sector has to vouch for is the same. */
export function isSameSector(one: SectorMetadata, other: SectorMetadata): boolean {
  return (
    one.sector_identifier_uri === other.sector_identifier_uri &&
    one.redirect_uris.every((uri) => other.redirect_uris.includes(uri))
  )
}
