/** The module about the metadata (FAPI 2.0 Security Profile §5.3.2, OpenID Connect Discovery §3, RFC 8705 §5). */
import { fapi2Algorithms } from '../../../src/clients/profiles.ts'
import type { Fapi2Module } from './module.ts'

export const discoveryModule: Fapi2Module = {
  name: 'discovery-end-point-verification',
  says: 'the metadata promise what FAPI 2.0 asks for',
  async run({ t, suite, variant, endpoint }) {
    const { metadata, issuer } = suite
    const list = (name: string) => metadata[name] as string[]
    t.strictSame(list('response_types_supported'), ['code'])
    t.equal(metadata['authorization_response_iss_parameter_supported'], true)
    t.type(metadata['require_pushed_authorization_requests'], 'boolean')
    t.match(metadata['pushed_authorization_request_endpoint'], /^https:/)
    t.ok(list('code_challenge_methods_supported').includes('S256'))
    t.ok(list('grant_types_supported').includes('refresh_token'))
    t.ok(list('scopes_supported').includes('openid'))
    for (const name of [
      'token_endpoint_auth_signing_alg_values_supported',
      'id_token_signing_alg_values_supported',
      'dpop_signing_alg_values_supported',
      'request_object_signing_alg_values_supported',
      'authorization_signing_alg_values_supported',
    ])
      t.ok(
        list(name).some((alg) => fapi2Algorithms.includes(alg)),
        name,
      )
    if (variant.jarm) t.ok(list('response_modes_supported').includes('jwt'))

    const methods = list('token_endpoint_auth_methods_supported')
    const wanted = ['private_key_jwt', 'self_signed_tls_client_auth', 'tls_client_auth']
    for (const method of variant.auth === 'mtls' ? wanted.slice(1) : wanted.slice(0, 1))
      t.ok(methods.includes(method), method)
    if (!variant.usesCertificates) return
    t.equal(metadata['tls_client_certificate_bound_access_tokens'], true)
    for (const name of ['token', 'pushed_authorization_request', 'userinfo']) {
      t.match(endpoint(name), /^https:/)
      t.notOk(endpoint(name).startsWith(`${issuer}/`), `${name} has an alias`)
    }
  },
}
