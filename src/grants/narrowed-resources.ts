/** The resources of a token request (RFC 8707 §2.2): a subset of what was authorized; none means all of it. */
import { OAuthError } from '../protocol/errors.ts'
import type { Params } from '../protocol/params.ts'

export function narrowedResources(
  { resources: granted }: { resources: string[] },
  params: Params,
): string[] {
  const asked = params.all('resource')
  if (asked.length === 0) return granted
  const beyond = asked.find((resource) => !granted.includes(resource))
  if (beyond !== undefined)
    throw new OAuthError(
      'invalid_target',
      `The resource '${beyond}' was not part of the authorization request. Ask for it there.`,
    )
  return asked
}
