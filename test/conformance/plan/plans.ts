/** The plans that the provider is certified by, each with the configuration that the suite takes. */
import { browserFor } from './browser.ts'
import { idsOf, pairNamed, pairNames, type AllCredentials, type PairName } from './fapi-clients.ts'
import { allScopes, clientIds, clientSecret, person, type SuiteAddress } from './seed.ts'

export interface Plan {
  /** The plan's name with its variants, as the suite's own scripts take it. */
  plan: string
  /** The file that its configuration is written to. */
  file: string
  config: Record<string, unknown>
}

export interface PlanOptions extends SuiteAddress {
  issuer: string
  credentials: AllCredentials
  /** For a provider that does not let just anybody register. */
  initialAccessToken?: string | undefined
  /** What the tokens of plain OAuth clients are presented to; without one, their plan is left out. */
  resource?: string | undefined
  /** Where client certificates are asked for; without one, the plans with them are left out. */
  mtlsIssuer?: string | undefined
}

/** Our own metadata, which no registry knows (RFC 8414 §7.1). */
export const ownMetadata = [
  'revocation_feed_endpoint',
  'global_token_revocation_endpoint',
  'global_token_revocation_endpoint_auth_methods_supported',
]

const staticClients = '[server_metadata=discovery][client_registration=static_client]'
const dynamicClients = '[server_metadata=discovery][client_registration=dynamic_client]'
const fapi = (auth: string, binding: string) =>
  `[client_auth_type=${auth === 'private_key_jwt' ? auth : 'mtls'}][sender_constrain=${binding}][fapi_profile=plain_fapi]`

export function plansFor(options: PlanOptions): Plan[] {
  const { issuer, alias } = options
  const { blocks, overrides } = browserFor(issuer, options.suite)
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
  const dynamic = withBrowser('dynamic clients', dynamicClientsOf(options))

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
    ...(
      [
        ['oidcc-rp-initiated-logout', 'logout'],
        ['oidcc-backchannel-rp-initiated-logout', 'backchannelLogout'],
      ] as const
    ).flatMap(([name, client]) => [
      {
        plan: `${name}-certification-test-plan[response_type=code][client_registration=static_client]`,
        file: `${clientIds[client].replace('conformance-', '')}.json`,
        config: withBrowser('logout', { alias, client: secretClient(clientIds[client]) }),
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
    ...pairNames.flatMap((pair) => {
      const { auth, binding, scope, signs } = pairNamed(pair)
      const openid = scope.includes('openid') ? 'openid_connect' : 'plain_oauth'
      const at = binding === 'mtls' ? options.mtlsIssuer : issuer
      const resource = openid === 'plain_oauth' ? options.resource : `${at}/userinfo`
      if (signs || at === undefined || resource === undefined) return []
      return {
        plan: `fapi2-security-profile-final-test-plan${fapi(auth, binding)}[openid=${openid}]`,
        file: `${pair.replace('conformance-fapi', 'fapi2-security-profile')}.json`,
        config: withBrowser('FAPI 2.0 Security Profile', {
          alias,
          ...fapiPair(options, pair),
          ...resourceAt(resource),
        }),
      }
    }),
    ...['jarm', 'plain_response'].map((responseMode) => ({
      plan: `fapi2-message-signing-final-test-plan${fapi('private_key_jwt', 'dpop')}[openid=openid_connect][fapi_request_method=signed_non_repudiation][fapi_response_mode=${responseMode}]`,
      file: 'fapi2-message-signing.json',
      config: withBrowser('FAPI 2.0 Message Signing', {
        alias,
        ...fapiPair(options, 'conformance-message-signing'),
        ...resourceAt(`${issuer}/userinfo`),
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

function fapiPair({ credentials }: PlanOptions, pair: PairName) {
  const { binding, scope } = pairNamed(pair)
  const [first, second] = idsOf(pair).map((clientId) => {
    const { key, certificate } = credentials.get(clientId) ?? {}
    const client = {
      client_id: clientId,
      scope,
      ...(key && { jwks: { keys: [key] } }),
      ...(binding === 'dpop' && { dpop_signing_alg: 'ES256' }),
    }
    return { client, mtls: certificate && { cert: certificate.cert, key: certificate.key } }
  })
  return {
    client: first?.client,
    client2: second?.client,
    ...(first?.mtls && { mtls: first.mtls, mtls2: second?.mtls }),
  }
}
