/** Proof that whoever asks for tokens, or brings one, holds a key: DPoP (RFC 9449) and client certificates (RFC 8705 §3). */
import type { X509Certificate } from 'node:crypto'
import type { Clock } from '../database/clock.ts'
import type { Confirmation } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import { bindingCheckBy, type Scheme } from '../verifier/binding.ts'
import { toBase64url } from '../verifier/certificate.ts'
import { nonceNeeded, replayed, type PresentedProof } from '../verifier/dpop-proof.ts'
import { VerificationError } from '../verifier/errors.ts'
import { inspectProof, requireBoundProof } from '../verifier/inspect-proof.ts'
import type { Nonces } from './nonces.ts'
import type { ProofStore } from './store.ts'

/** Those of FAPI 2.0 §5.4.1 for everybody; Ed25519 is the name of RFC 9864 for the EdDSA there. */
export const dpopAlgorithms: readonly string[] = ['ES256', 'PS256', 'EdDSA', 'Ed25519']

export type NonceMode = 'required' | 'offered' | 'off'

/** What a request shows of the keys of its sender. */
export interface Presented {
  /** The URL is the one below the issuer. */
  dpop: PresentedProof | undefined
  certificate: X509Certificate | undefined
}

/** How a client's metadata has its tokens bound. */
export interface BindingDemands {
  dpop_bound_access_tokens?: boolean
  tls_client_certificate_bound_access_tokens?: boolean
}

export interface Possession {
  /** To what the tokens of a request are bound. Refuses with invalid_dpop_proof, use_dpop_nonce or invalid_request. */
  confirm(demands: BindingDemands, presented: Presented): Promise<Confirmation | undefined>
  /** RFC 9449 §10.1: the thumbprint to which the code of a pushed request is bound, from its `dpop_jkt`, its proof, or both. */
  confirmPushed(dpopJkt: string | undefined, presented: Presented): Promise<string | undefined>
  /** That a token is presented by whom it is bound to. Rejects with a VerificationError. */
  requireHolder(
    claims: { cnf?: unknown },
    token: string,
    presented: Presented & { scheme: Scheme },
  ): Promise<void>
  /** What goes into the header DPoP-Nonce of whatever is answered to a proof. */
  nextNonce(): string | undefined
}

/** How far a client's clock may be off (FAPI 2.0 §5.3.2.1 asks for 10 seconds ahead, and for no more than 60). */
const windowSeconds = 60
const maxJtiLength = 256

export function createPossession({
  store,
  nonces,
  nonceMode,
  issuer,
  mtlsIssuer,
  clock,
}: {
  store: ProofStore
  nonces: Nonces
  nonceMode: NonceMode
  issuer: string
  /** The base of the endpoints' other URLs (RFC 8705 §5). */
  mtlsIssuer: string | undefined
  clock: Pick<Clock, 'now'>
}): Possession {
  /** The thumbprint of its key. */
  async function prove(
    { proof, method, url }: PresentedProof,
    bound?: { token: string; jkt: string },
  ): Promise<string> {
    const alias = mtlsIssuer === undefined ? [] : [mtlsIssuer + url.slice(issuer.length)]
    const inspected = await inspectProof(
      { proof, method, urls: [url, ...alias] },
      { now: () => clock.now().getTime(), windowSeconds, algorithms: dpopAlgorithms },
    )
    if (inspected.jti.length > maxJtiLength)
      throw new VerificationError(
        'proof_invalid',
        `The jti of the DPoP proof is longer than ${maxJtiLength} characters. Shorten it.`,
      )
    if (bound) await requireBoundProof(inspected, bound)
    if (!isFresh(inspected.nonce)) throw nonceNeeded(nonces.issue())
    const verdict = await store.consumeProof(
      Buffer.from(inspected.id, 'base64url'),
      new Date((inspected.iat + windowSeconds) * 1000),
    )
    if (verdict === 'replayed') throw replayed()
    return inspected.jkt
  }

  function isFresh(nonce: unknown): boolean {
    if (nonceMode === 'off' || (nonceMode === 'offered' && nonce === undefined)) return true
    return typeof nonce === 'string' && nonces.accepts(nonce)
  }

  async function proveAtServer({ dpop }: Presented): Promise<string | undefined> {
    if (dpop === undefined) return undefined
    try {
      return await prove(dpop)
    } catch (error) {
      throw error instanceof VerificationError ? toRefusal(error) : error
    }
  }

  const checkBinding = bindingCheckBy(async (proof, bound) => {
    await prove(proof, bound)
  })

  return {
    async confirm(demands, presented) {
      const thumbprint = demands.tls_client_certificate_bound_access_tokens
        ? requireCertificate(presented)
        : undefined
      const jkt = await proveAtServer(presented)
      if (demands.dpop_bound_access_tokens && jkt === undefined)
        throw new OAuthError(
          'invalid_dpop_proof',
          'The tokens of this client are bound to a key. Send a proof of it in the header DPoP (RFC 9449 section 5).',
        )
      if (jkt === undefined && thumbprint === undefined) return undefined
      return { ...(jkt && { jkt }), ...(thumbprint && { 'x5t#S256': thumbprint }) }
    },

    async confirmPushed(dpopJkt, presented) {
      const jkt = await proveAtServer(presented)
      if (jkt !== undefined && dpopJkt !== undefined && jkt !== dpopJkt)
        throw new OAuthError(
          'invalid_dpop_proof',
          `The 'dpop_jkt' is not the thumbprint of the key of the DPoP proof. Send one of them, or both for the same key.`,
        )
      return jkt ?? dpopJkt
    },

    async requireHolder({ cnf }, token, { scheme, dpop, certificate }) {
      await checkBinding({ cnf } as Parameters<typeof checkBinding>[0], token, {
        scheme,
        dpop,
        certificate: certificate && { sha256Thumbprint: certificate.fingerprint256 },
      })
    },

    nextNonce: () => (nonceMode === 'off' ? undefined : nonces.issue()),
  }
}

function requireCertificate({ certificate }: Presented): string {
  if (certificate) return toBase64url(certificate.fingerprint256)
  throw new OAuthError(
    'invalid_request',
    'The tokens of this client are bound to its certificate. Connect with it, to an endpoint of mtls_endpoint_aliases where there are any (RFC 8705 section 3).',
  )
}

/** RFC 9449 §5 and §8. */
function toRefusal({ message, expected, cause }: VerificationError): OAuthError {
  const nonce = expected?.nonce
  return nonce === undefined
    ? new OAuthError('invalid_dpop_proof', message, { cause })
    : new OAuthError('use_dpop_nonce', message, { headers: { 'dpop-nonce': nonce } })
}
