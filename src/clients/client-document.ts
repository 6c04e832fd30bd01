/** What a client's own document may say of it (draft-ietf-oauth-client-id-metadata-document §4). */
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { responseTypes } from '../protocol/response-types.ts'
import { validateClientMetadata, type ClientMetadata, type Supported } from './metadata.ts'
import { withoutNulls } from './rules.ts'

/** All others are passed over: only an administrator gives a client more than the person who uses it can. */
const members: ReadonlySet<string> = new Set<keyof ClientMetadata>([
  'client_name',
  'client_uri',
  'policy_uri',
  'tos_uri',
  'contacts',
  'application_type',
  'redirect_uris',
  'post_logout_redirect_uris',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'jwks',
  'jwks_uri',
  'scope',
  'id_token_signed_response_alg',
  'require_pushed_authorization_requests',
  'dpop_bound_access_tokens',
  'default_max_age',
  'require_auth_time',
  'software_id',
  'software_version',
])

const supportedHere = {
  grantTypes: ['authorization_code', 'refresh_token'],
  authMethods: ['none', 'private_key_jwt'],
}

/** The faults are whole sentences, for whoever wrote the document. */
export function readClientDocument(
  clientId: string,
  document: unknown,
  { supported, scopes }: { supported: Supported; scopes: readonly string[] },
): { metadata: ClientMetadata } | { fault: string } {
  if (!isPlainObject(document)) return { fault: 'Give a JSON object.' }
  if (document.client_id !== clientId)
    return { fault: 'client_id: Give the URL of the document itself, character by character.' }
  const secret = ['client_secret', 'client_secret_expires_at'].find((name) => name in document)
  if (secret !== undefined)
    return { fault: `${secret}: A document that anybody can read holds no secret. Leave it out.` }

  const known = Object.entries(withoutNulls(document)).filter(([name]) => members.has(name))
  const given = withWhatWeDo(Object.fromEntries(known), scopes)
  const { metadata, faults } = validateClientMetadata(
    { ...given, profile: 'mcp' },
    { ...supported, ...supportedHere },
  )
  return metadata ? { metadata } : { fault: faults.map(({ message }) => message).join(' ') }
}

const isOurs = (name: unknown) => supportedHere.grantTypes.some((one) => one === name)

/** A document speaks to every server; of the grants, response types and scopes it names, this one takes those it knows. */
function withWhatWeDo(given: JsonObject, scopes: readonly string[]): JsonObject {
  const { grant_types: grants, response_types: types, scope } = given
  const asked = typeof scope === 'string' ? scope.split(' ') : []
  const known = scopes.filter((name) => asked.includes(name))
  return {
    ...given,
    ...(Array.isArray(grants) && { grant_types: grants.filter(isOurs) }),
    ...(Array.isArray(types) && {
      response_types: types.filter((type) => responseTypes.includes(type)),
    }),
    scope: (known.length > 0 ? known : scopes).join(' '),
  }
}
