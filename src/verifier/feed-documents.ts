/** The feed's documents: from a signed text to what it says, or why it counts for nothing. */
import { VerificationError } from './errors.ts'
import { FeedError, reasonOf } from './feed-error.ts'
import { feedType, parseFeedDocument, type FeedDocument } from './feed.ts'
import { wallClockToleranceMilliseconds } from './freshness.ts'
import type { VerifySignature } from './jws.ts'
import { signatureAlgorithms } from './verification-keys.ts'

export const longestDocument = 4 * 1024 * 1024

export function createDocumentReader({
  issuer,
  verifySignature,
  isKeyRevoked,
  now,
}: {
  issuer: string
  verifySignature: VerifySignature
  isKeyRevoked: (kid: string) => boolean | Promise<boolean>
  now: () => number
}): (jws: string) => Promise<FeedDocument> {
  async function verify(jws: string) {
    try {
      return await verifySignature(jws, {
        typ: feedType,
        algorithms: signatureAlgorithms, // not those of the tokens alone
        maxLength: longestDocument,
      })
    } catch (cause) {
      // Its message is for those who send tokens.
      const code = cause instanceof VerificationError ? `${cause.code}: ` : ''
      throw new FeedError(`A document of the feed was refused: ${code}${reasonOf(cause)}`, {
        cause,
      })
    }
  }

  return async (jws) => {
    const { header, payload } = await verify(jws)
    if (header.kid === undefined) throw new FeedError('A document of the feed names no key')
    if (await isKeyRevoked(header.kid))
      throw new FeedError(`A document of the feed is signed with the revoked key ${header.kid}`)
    const document = parseFeedDocument(payload)
    if (!document) throw new FeedError('A document of the feed is malformed')
    if (document.iss !== issuer)
      throw new FeedError(`A document of the feed is of another issuer, not of ${issuer}`)
    if (document.exp * 1000 + wallClockToleranceMilliseconds <= now())
      throw new FeedError(
        'A document of the feed has expired: something between answers with old ones, or the clock of this machine is ahead',
      )
    return document
  }
}
