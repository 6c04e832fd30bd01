/** The plans that the provider is certified by, each with the configuration that the suite takes. */
import type { JWK } from 'jose'
import { browserFor } from './browser.ts'
import {
  allScopes,
  clientIds,
  clientSecret,
  fapiScope,
  oauthScope,
  person,
  type ClientKeys,
  type SuiteAddress,
} from './seed.ts'

export interface Plan {
  /** The plan's name with its variants, as the suite's own scripts take it. */
  plan: string
  /** The file that its configuration is written to. */
  file: string
  config: Record<string, unknown>
}

export interface PlanOptions extends SuiteAddress {
  issuer: string
  keys: ClientKeys
  /** For a provider that does not let just anybody register. */
  initialAccessToken?: string | undefined
  /** What the tokens of plain OAuth clients are presented to; without one, their plan is left out. */
  resource?: string | undefined
}

/** Our own metadata, which no registry knows (RFC 8414 §7.1). */
export const ownMetadata = [
  'revocation_feed_endpoint',
  'global_token_revocation_endpoint',
  'global_token_revocation_endpoint_auth_methods_supported',
]

const staticClients = '[server_metadata=discovery][client_registration=static_client]'
const dynamicClients = '[server_metadata=discovery][client_registration=dynamic_client]'
const dpop = '[client_auth_type=private_key_jwt][sender_constrain=dpop][fapi_profile=plain_fapi]'

export function plansFor(options: PlanOptions): Plan[] {
  const { issuer, alias } = options
  const { blocks, overrides } = browserFor(issuer)
  const server = {
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    login_hint: person.email,
    allow_unexpected_metadata_fields: ownMetadata,
  }
  const config = (description: string, more: object) => ({
    description: `Claviger: ${description}`,
    server,
    ...more,
  })
  const withBrowser = (description: string, more: object) =>
    config(description, { browser: blocks, override: overrides, ...more })

  const basic = withBrowser('static clients', {
    alias,
    client: secretClient(clientIds.basic),
    client2: secretClient(clientIds.basic2),
    client_secret_post: secretClient(clientIds.secretPost),
  })
  const logout = withBrowser('logout', { alias, client: secretClient(clientIds.logout) })
  const dynamic = withBrowser('dynamic clients', dynamicClientsOf(options))
  const userinfo = resourceAt(`${issuer}/userinfo`)

  return [
    ...['oidcc-basic', 'oidcc-formpost-basic'].flatMap((name) => [
      {
        plan: `${name}-certification-test-plan${staticClients}`,
        file: 'basic.json',
        config: basic,
      },
      {
        plan: `${name}-certification-test-plan${dynamicClients}`,
        file: 'dynamic.json',
        config: dynamic,
      },
    ]),
    {
      plan: 'oidcc-config-certification-test-plan',
      file: 'config.json',
      config: config('configuration', {}),
    },
    ...['oidcc-rp-initiated-logout', 'oidcc-backchannel-rp-initiated-logout'].flatMap((name) => [
      {
        plan: `${name}-certification-test-plan[response_type=code][client_registration=static_client]`,
        file: 'logout.json',
        config: logout,
      },
      {
        plan: `${name}-certification-test-plan[response_type=code][client_registration=dynamic_client]`,
        file: 'dynamic.json',
        config: dynamic,
      },
    ]),
    {
      plan: 'oidcc-3rdparty-init-login-certification-test-plan[response_type=code]',
      file: 'dynamic.json',
      config: dynamic,
    },
    {
      plan: `fapi2-security-profile-final-test-plan${dpop}[openid=openid_connect]`,
      file: 'fapi2-security-profile.json',
      config: withBrowser('FAPI 2.0 Security Profile', {
        alias,
        ...keyClients(options, 'conformance-fapi', fapiScope),
        ...userinfo,
      }),
    },
    ...(options.resource === undefined
      ? []
      : [
          {
            plan: `fapi2-security-profile-final-test-plan${dpop}[openid=plain_oauth]`,
            file: 'fapi2-security-profile-oauth.json',
            config: withBrowser('FAPI 2.0 Security Profile, plain OAuth', {
              alias,
              ...keyClients(options, 'conformance-fapi-oauth', oauthScope),
              ...resourceAt(options.resource),
            }),
          },
        ]),
    ...['jarm', 'plain_response'].map((responseMode) => ({
      plan: `fapi2-message-signing-final-test-plan${dpop}[openid=openid_connect][fapi_request_method=signed_non_repudiation][fapi_response_mode=${responseMode}]`,
      file: 'fapi2-message-signing.json',
      config: withBrowser('FAPI 2.0 Message Signing', {
        alias,
        ...keyClients(options, 'conformance-message-signing', fapiScope),
        ...userinfo,
      }),
    })),
  ]
}

const resourceAt = (resourceUrl: string) => ({ resource: { resourceUrl } })

function secretClient(clientId: string) {
  return { client_id: clientId, client_secret: clientSecret, scope: allScopes }
}

function dynamicClientsOf({ initialAccessToken }: PlanOptions) {
  const token = initialAccessToken === undefined ? {} : { initial_access_token: initialAccessToken }
  return {
    client: { client_name: 'Conformance suite', ...token },
    client2: { client_name: 'Conformance suite, second client', ...token },
  }
}

function keyClients(
  { keys }: PlanOptions,
  name: 'conformance-fapi' | 'conformance-fapi-oauth' | 'conformance-message-signing',
  scope: string,
) {
  const client = (clientId: keyof ClientKeys) => ({
    client_id: clientId,
    scope,
    jwks: { keys: [keys[clientId] satisfies JWK] },
    dpop_signing_alg: 'ES256',
  })
  return { client: client(name), client2: client(`${name}-2`) }
}
