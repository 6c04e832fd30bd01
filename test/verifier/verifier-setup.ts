/** Verifiers for tests, of a test issuer. */
import type { Test } from 'tap'
import { createBindingCheck } from '../../src/verifier/binding.ts'
import type { VerifierEvent } from '../../src/verifier/events.ts'
import type { FollowOptions } from '../../src/verifier/follower.ts'
import { createVerifySignature } from '../../src/verifier/jws.ts'
import { createKeySet } from '../../src/verifier/key-set.ts'
import { readOptions } from '../../src/verifier/options.ts'
import {
  createVerifier,
  createVerifierWith,
  type VerifierOptions,
} from '../../src/verifier/verifier.ts'
import { createHandFollower } from './hand-follower.ts'
import {
  accessTokenClaims,
  createSigningKey,
  createTestClock,
  createTestIssuer,
  sign,
} from './test-issuer.ts'

/** What is published. */
export const key = await createSigningKey('ES256', { kid: 'a' })
export const next = await createSigningKey('RS256', { kid: 'b' })

export async function setUp(t: Test, options: Partial<VerifierOptions> = {}) {
  const clock = createTestClock()
  const issuer = await createTestIssuer(t, key)
  const events: VerifierEvent[] = []
  const all: VerifierOptions = {
    ...clock,
    issuer: issuer.issuer,
    audience: 'https://api.example',
    revocations: 'off',
    onEvent: (event) => events.push(event),
    ...options,
  }
  const token = (claims: object = {}, header: Record<string, unknown> = {}, by = key) =>
    sign(by, { ...accessTokenClaims(issuer.issuer, clock), ...claims }, header)
  const decisions = () => events.filter(({ type }) => !type.startsWith('keys_'))
  return { ...issuer, clock, options: all, token, decisions, verifier: createVerifier(all) }
}

/** With a feed that the test writes, and a count of the signatures that were checked. */
export async function setUpFollowed(
  t: Test,
  {
    whenStale = 'refuse',
    ...options
  }: Partial<VerifierOptions> & Pick<FollowOptions, 'whenStale'> = {},
) {
  const parts = await setUp(t, options)
  const follower = createHandFollower()
  const rules = readOptions({ ...parts.options, revocations: { public: true, whenStale } })
  const emit = (event: VerifierEvent) => parts.options.onEvent?.(event)
  const findUri = async () => parts.jwksUri
  const keys = createKeySet({ ...rules, ...parts.clock, findUri, emit })
  const verifySignature = createVerifySignature({ keys, algorithms: rules.algorithms })
  const signatures = { checked: 0 }
  const verifier = createVerifierWith({
    rules,
    keys,
    async verifySignature(...args) {
      signatures.checked += 1
      return verifySignature(...args)
    },
    follower,
    checkBinding: createBindingCheck(parts.clock),
    emit,
  })
  return { ...parts, verifier, follower, signatures }
}
