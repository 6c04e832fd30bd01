/** An endpoint that is sent a secret. Where the issuer is reached over TLS, so is it. */
import { FeedError } from './feed-error.ts'

export function readEndpoint(text: string, issuer: string): URL {
  if (!URL.canParse(text)) throw new FeedError(`The endpoint ${JSON.stringify(text)} is no URL`)
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== new URL(issuer).protocol)
    throw new FeedError(`The endpoint ${JSON.stringify(text)} must be an https URL`)
  return url
}
