/** A Fastify plugin: `app.requireToken()` makes hooks that let requests with a good token through, as `request.auth`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { VerificationError } from './errors.ts'
import { createGuard, type AdapterOptions } from './node-request.ts'
import {
  metadataHeaders,
  metadataUrlOf,
  protectedResourceMetadata,
  type ResourceOptions,
} from './protected-resource.ts'
import type { VerifiedToken, Verifier } from './verifier.ts'

export type { AdapterOptions } from './node-request.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** A hook for `onRequest`, before the body is read, or any later one. */
    requireToken(options?: AdapterOptions): TokenHook
  }
  interface FastifyRequest {
    /** The verified token, behind `requireToken`. */
    auth: VerifiedToken | undefined
  }
}

export type TokenHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** For all routes; `requireToken` may say otherwise. */
export interface VerifierPluginOptions
  extends Omit<AdapterOptions, 'scopes' | 'claims'>, Pick<ResourceOptions, 'metadata'> {
  verifier: Verifier
}

/** With a `resource` it serves the metadata too (RFC 9728). */
async function verifierPlugin(
  app: FastifyInstance,
  { verifier, metadata, ...defaults }: VerifierPluginOptions,
): Promise<void> {
  const { resource, schemes } = defaults
  const metadataPath =
    resource === undefined ? undefined : new URL(metadataUrlOf(resource)).pathname

  app.decorateRequest('auth', undefined)
  app.decorate('requireToken', (options = {}) => {
    const { passErrors, ...guardOptions } = { ...defaults, ...options }
    const guard = createGuard(verifier, guardOptions)

    return async (request, reply) => {
      const isOpen = request.routeOptions.url === metadataPath && metadataPath !== undefined
      if (isOpen) return undefined
      try {
        request.auth = await guard.authenticate(request.raw)
        return undefined
      } catch (error) {
        if (!(error instanceof VerificationError)) throw error
        const { status, headers, body } = guard.answerTo(error, request.raw)
        reply.code(status).headers(headers)
        if (passErrors) throw error
        return reply.send(body)
      }
    }
  })

  if (metadataPath === undefined) return
  if (app.prefix !== '')
    throw new Error(
      `Register the verifier outside of a prefix: ${metadataPath} is served at the root.`,
    )
  const document = protectedResourceMetadata(verifier, { resource, schemes, metadata })
  app.get(metadataPath, async (_request, reply) => reply.headers(metadataHeaders).send(document))
}

/** What fastify-plugin would set: the decorators are for the instance that registers it, not for a child of it. */
export default Object.assign(verifierPlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@claviger/verifier',
  [Symbol.for('plugin-meta')]: { name: '@claviger/verifier', fastify: '5.x' },
})
