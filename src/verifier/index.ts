/** The public surface of @claviger/verifier. The adapters are `@claviger/verifier/express` and `@claviger/verifier/fastify`. */
export type { CheckBinding, Presentation, Scheme } from './binding.ts'
export { certificateThumbprint } from './certificate.ts'
export {
  answerTo,
  challengeOf,
  toResponse,
  type Answer,
  type ChallengeOptions,
} from './challenge.ts'
export type { PresentedProof, ProofNonces, ProofOptions } from './dpop-proof.ts'
export { VerificationError, type VerificationErrorCode } from './errors.ts'
export type { ConsumeProof } from './proof-memory.ts'
export {
  metadataUrlOf,
  protectedResourceMetadata,
  type ProtectedResourceMetadata,
  type ResourceOptions,
} from './protected-resource.ts'
export {
  authenticate,
  readRequest,
  type AuthenticateOptions,
  type PresentedToken,
  type RequestOptions,
} from './request.ts'
export { createVerifier } from './verifier.ts'
export type {
  AccessTokenClaims,
  RequiredClaims,
  VerifiedToken,
  Verifier,
  VerifierOptions,
  VerifierStatus,
} from './verifier.ts'
export type { VerifierEvent } from './events.ts'
export type { FollowOptions, FollowerStatus } from './follower.ts'
