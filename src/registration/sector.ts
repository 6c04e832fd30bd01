/** Whose subjects a client may get that registers itself (OpenID Connect Core §8.1, Registration §5). */
import type { ClientMetadata } from '../clients/metadata.ts'
import { isSameSector, sectorOf, type FindSectorFault } from '../clients/sector.ts'
import { deviceCodeGrant } from '../protocol/grant-types.ts'
import { refuseMetadata } from './refusal.ts'

const usesDevice = ({ grant_types: names }: ClientMetadata) => names.includes(deviceCodeGrant)

/** A redirect URI proves its sector by where the answer goes; a device's answer goes to whoever registered. */
export function requireProvenSector(
  metadata: ClientMetadata,
  current: ClientMetadata | undefined,
): void {
  if (sectorOf(metadata) === undefined || !usesDevice(metadata)) return
  if (current && usesDevice(current)) return
  throw refuseMetadata(
    `subject_type: Only an administrator can register pairwise subjects together with ${deviceCodeGrant}. Leave out one of them.`,
  )
}

/** Its users would become others. */
export function requireSameSubjects(metadata: ClientMetadata, current: ClientMetadata): void {
  if (sectorOf(metadata) === sectorOf(current)) return
  throw refuseMetadata(
    'subject_type: The subjects of a client stay what they were registered as, and pairwise ones in their sector. Repeat subject_type and sector_identifier_uri, keep the host of the redirect URIs, or register another client.',
  )
}

/** Asks the sector's document: not while the client is held. */
export async function requireSector(
  findSectorFault: FindSectorFault,
  metadata: ClientMetadata,
  before?: ClientMetadata,
): Promise<void> {
  const fault = await findSectorFault(metadata, before)
  if (fault) throw refuseMetadata(fault.message, { detail: fault.detail })
}

/** Whether it is still what the sector's document was asked about. */
export function requireUnchanged(metadata: ClientMetadata, asked: ClientMetadata): void {
  if (!isSameSector(metadata, asked))
    throw refuseMetadata(
      'redirect_uris: An administrator changed the client at the same time. Try again.',
    )
}
