/** Verifies an issuer's access tokens (RFC 9068 §4, RFC 8725) without asking it about each. */
import { createBindingCheck, type CheckBinding } from './binding.ts'
import { createEmit, type Emit } from './events.ts'
import { createFollower, type Follower, type FollowerStatus } from './follower.ts'
import { createIssuerMetadata } from './issuer-metadata.ts'
import { createVerifySignature, type VerifySignature } from './jws.ts'
import { createKeySet, type KeySet, type KeySetStatus } from './key-set.ts'
import { readOptions, type VerifierOptions, type VerifierRules } from './options.ts'
import { createRevocationCheck } from './revocation-check.ts'
import { signatureAlgorithms } from './verification-keys.ts'
import { createVerifiedTokens } from './verified-tokens.ts'
import { createVerify, type Examined, type Verify } from './verify.ts'

export type { AccessTokenClaims, RequiredClaims } from './claims.ts'
export type { VerifierOptions } from './options.ts'
export type { VerifiedToken } from './verify.ts'

export interface Verifier {
  /** Rejects with a VerificationError. */
  verify: Verify
  /** Resolves when keys are there and, if it is followed, the feed; rejects with the reason why not. */
  ready(): Promise<void>
  status(): VerifierStatus
  /** Ends what happens in the background. */
  close(): void
  readonly issuer: string
  readonly audience: string | readonly string[]
}

/** For a health endpoint. */
export interface VerifierStatus {
  keys: KeySetStatus
  revocations: 'off' | FollowerStatus
  rememberedTokens: number
}

/** Throws a TypeError when an option is wrong. */
export function createVerifier(options: VerifierOptions): Verifier {
  const rules = readOptions(options)
  const { issuer, algorithms, revocations, jwksUri, timings, runtime } = rules
  const emit = createEmit(options.onEvent)
  const metadata = createIssuerMetadata({ issuer, ...runtime })
  const keys = createKeySet({
    findUri: async () => jwksUri ?? (await metadata.get()).jwks_uri,
    algorithms: signatureAlgorithms, // those that are welcome for tokens are not all
    timings,
    ...runtime,
    emit,
  })
  const verifySignature = createVerifySignature({ keys, algorithms })
  const checkBinding = createBindingCheck({ now: runtime.now, ...options.dpop })
  const follower =
    revocations === 'off'
      ? undefined
      : createFollower({
          ...revocations,
          ...runtime,
          issuer,
          metadata,
          verifySignature,
          onEvent: emit,
        })
  follower?.start()
  return createVerifierWith({ rules, keys, verifySignature, follower, checkBinding, emit })
}

/** The same over parts that are made already. */
export function createVerifierWith({
  rules,
  keys,
  verifySignature,
  follower,
  checkBinding,
  emit,
}: {
  rules: VerifierRules
  keys: KeySet
  verifySignature: VerifySignature
  follower: Follower | undefined
  checkBinding: CheckBinding
  emit: Emit
}): Verifier {
  const { issuer, audiences, revocations, cacheSize, runtime } = rules
  const tokens = createVerifiedTokens<Examined>(cacheSize)
  const whenStale = revocations === 'off' ? undefined : revocations.whenStale
  return {
    issuer,
    audience: audiences,
    verify: createVerify({
      rules,
      keys,
      verifySignature,
      checkBinding,
      revocations: follower && createRevocationCheck({ follower, whenStale }),
      tokens,
      now: runtime.now,
      emit,
    }),
    async ready() {
      await keys.ready()
      await follower?.ready()
    },
    status: () => ({
      keys: keys.status(),
      revocations: follower?.status() ?? 'off',
      rememberedTokens: tokens.size(),
    }),
    close() {
      follower?.close()
      tokens.clear()
    },
  }
}
