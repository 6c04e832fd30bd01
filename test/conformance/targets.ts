/** The modules of the plans that the provider is to pass, by the suite's own names (its source of August 2026). */
import type { Variant } from './fapi2/variant.ts'

const words = (text: string) => text.trim().split(/\s+/)

const targets: Readonly<Record<string, string[]>> = {
  'oidcc-basic': basic(),
  'oidcc-formpost-basic': basic(),
  'oidcc-config': ['oidcc-discovery-endpoint-verification'],
  'oidcc-3rdparty-init-login': ['oidcc-3rd_party-init-login', 'oidcc-3rd_party-init-login-nohttps'],
  'oidcc-backchannel-rp-initiated-logout': [
    'oidcc-backchannel-logout-discovery-endpoint-verification',
    'oidcc-backchannel-rp-initiated-logout',
  ],
  'oidcc-rp-initiated-logout': words(`
    oidcc-rp-initiated-logout-discovery-endpoint-verification oidcc-rp-initiated-logout
    oidcc-rp-initiated-logout-no-state oidcc-rp-initiated-logout-bad-post-logout-redirect-uri
    oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri
    oidcc-rp-initiated-logout-modified-id-token-hint oidcc-rp-initiated-logout-bad-id-token-hint
    oidcc-rp-initiated-logout-no-id-token-hint oidcc-rp-initiated-logout-no-params
    oidcc-rp-initiated-logout-no-post-logout-redirect-uri oidcc-rp-initiated-logout-only-state`),
}

/** Those with static clients. */
function basic(): string[] {
  return words(`
    oidcc-server oidcc-response-type-missing oidcc-userinfo-get oidcc-userinfo-post-header
    oidcc-userinfo-post-body oidcc-ensure-request-without-nonce-succeeds-for-code-flow
    oidcc-scope-profile oidcc-scope-email oidcc-scope-address oidcc-scope-phone oidcc-scope-all
    oidcc-alternate-happy-flow oidcc-display-page oidcc-display-popup
    oidcc-prompt-login oidcc-prompt-none-not-logged-in oidcc-prompt-none-logged-in
    oidcc-max-age-1 oidcc-max-age-10000 oidcc-ensure-request-with-unknown-parameter-succeeds
    oidcc-id-token-hint oidcc-login-hint oidcc-ui-locales oidcc-claims-locales
    oidcc-ensure-request-with-acr-values-succeeds oidcc-codereuse oidcc-codereuse-30seconds
    oidcc-ensure-registered-redirect-uri oidcc-ensure-post-request-succeeds
    oidcc-server-client-secret-post
    oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported
    oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported
    oidcc-claims-essential oidcc-ensure-request-object-with-redirect-uri oidcc-refresh-token
    oidcc-ensure-request-with-valid-pkce-succeeds`)
}

/** Of a plan with static clients; of others nothing is demanded here. */
export const targetsFor = (plan: string): readonly string[] => targets[plan] ?? []

/** D: with DPoP only; K: with private_key_jwt only; O: with OpenID Connect only; S: with signed requests only. */
const fapi2Targets: [letters: string, names: string[]][] = [
  [
    '',
    words(`
      discovery-end-point-verification happy-flow user-rejects-authentication
      ensure-authorization-request-without-state-success ensure-authorization-request-with-long-state
      access-token-type-header-case-sensitivity
      ensure-different-state-inside-and-outside-request-object state-only-outside-request-object-not-used
      ensure-request-object-without-redirect-uri-fails ensure-redirect-uri-in-authorization-request
      plain-fapi-tolerate-unregistered-redirect-uri
      ensure-unsigned-authorization-request-without-using-par-fails
      ensure-response-type-code-idtoken-fails ensure-response-type-token-fails
      ensure-client-id-in-token-endpoint ensure-holder-of-key-required
      ensure-authorization-code-is-bound-to-client attempt-reuse-authorization-code-after-one-second
      ensure-token-endpoint-fails-with-expired-auth-code refresh-token
      par-ensure-reused-request-uri-prior-to-auth-completion-succeeds
      par-attempt-reuse-request_uri par-attempt-to-use-expired-request_uri
      par-attempt-to-use-request_uri-for-different-client
      par-authorization-request-containing-request_uri-form-param par-attempt-invalid-http-method
      par-ensure-pkce-required par-plain-pkce-rejected
      ensure-pkce-code-verifier-required incorrect-pkce-code-verifier-rejected
      par-without-duplicate-parameters`),
  ],
  [
    'O',
    words(`
      ensure-authorization-request-without-nonce-success
      ensure-authorization-request-with-64-char-nonce-success
      ensure-authorization-request-with-long-nonce ensure-other-scope-order-succeeds
      test-claims-parameter-identity-claims
      ensure-different-nonce-inside-and-outside-request-object`),
  ],
  [
    'D',
    words(`
      check-dpop-proof-nbf-exp dpop-negative-tests
      ensure-dpopproof-with-iat-10seconds-before-succeeds
      ensure-dpopproof-with-iat-10seconds-after-succeeds
      ensure-mismatched-dpop-jkt-fails
      ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt
      ensure-token-endpoint-fails-with-mismatched-dpop-jkt
      ensure-dpopproof-at-par-endpoint-binding-success ensure-dpop-auth-code-binding-success`),
  ],
  [
    'K',
    words(`
      ensure-signed-client-assertion-with-RS256-fails ensure-client-assertion-in-token-endpoint
      ensure-client-assertion-with-exp-is-5-minutes-in-past-fails
      ensure-client-assertion-with-wrong-aud-fails ensure-client-assertion-with-no-sub-fails
      par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted
      par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails
      par-test-array-as-audience-fails par-test-par-endpoint-url-as-audience-fails
      par-test-token-endpoint-url-as-audience-fails`),
  ],
  [
    'S',
    words(`
      ensure-request-object-with-multiple-aud-succeeds
      ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted
      ensure-request-object-without-exp-fails ensure-request-object-without-nbf-fails
      ensure-expired-request-object-fails ensure-request-object-with-bad-aud-fails
      ensure-request-object-with-exp-over-60-fails ensure-request-object-with-nbf-over-60-fails
      ensure-signed-request-object-with-RS256-fails
      ensure-request-object-signature-algorithm-is-not-none
      ensure-request-object-with-invalid-signature-fails ensure-matching-key-in-authorization-request
      ensure-unsigned-request-at-par-endpoint-fails par-authorization-request-containing-request_uri`),
  ],
]

/** Of a FAPI 2.0 plan in a variant: 56 with private_key_jwt, DPoP and OpenID Connect, and 14 more when signed. */
export function fapi2TargetsFor({
  auth,
  binding,
  openid,
  signed,
}: Pick<Variant, 'auth' | 'binding' | 'openid' | 'signed'>): string[] {
  const letters = new Set([
    '',
    binding === 'dpop' && 'D',
    auth === 'private_key_jwt' && 'K',
    openid && 'O',
    signed && 'S',
  ])
  return fapi2Targets
    .filter(([letter]) => letters.has(letter))
    .flatMap(([, names]) => names.map((name) => `fapi2-security-profile-final-${name}`))
}
