/** The refusal of metadata (RFC 7591 §3.2.2). */
import { OAuthError } from '../protocol/errors.ts'

export function refuseMetadata(
  sentences: string,
  {
    code = 'invalid_client_metadata',
    detail,
  }: {
    code?: 'invalid_client_metadata' | 'invalid_redirect_uri'
    detail?: string | undefined
  } = {},
): OAuthError {
  return new OAuthError(code, `Mend the client's metadata. ${sentences}`, {
    ...(detail !== undefined && { detail }),
  })
}
