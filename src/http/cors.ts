/** Which answers a browser app on another origin may read: public documents from anywhere, the rest from registered origins. */
import type { FastifyCorsOptionsDelegate, FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import type { ClientRegistry } from '../clients/registry.ts'
import { paths } from '../protocol/paths.ts'
import { loggedPath } from './requests.ts'

const publicPaths = new Set<string>([paths.openidConfiguration, paths.jwks])
const clientPaths = new Set<string>([
  paths.pushedAuthorization,
  paths.token,
  paths.userinfo,
  paths.revoke,
])

/** No credentials: browsers' cookies are for pages, never for what a script may read. */
const shared: FastifyCorsOptions = {
  methods: ['GET', 'POST'],
  allowedHeaders: ['authorization', 'content-type', 'dpop'],
  exposedHeaders: ['www-authenticate', 'dpop-nonce', 'x-request-id'],
  maxAge: 600,
}

export function corsOptions({
  clients,
  basePath,
  registrationEndpoint,
}: {
  clients: Pick<ClientRegistry, 'isAllowedOrigin'>
  basePath: string
  registrationEndpoint: { mode: string }
}) {
  async function optionsFor(request: FastifyRequest): Promise<FastifyCorsOptions> {
    // Not a preflight (Fetch §3.2.2): a method like any other, and none that we have.
    if (request.method === 'OPTIONS' && !request.headers['access-control-request-method'])
      return { origin: false }
    const path = loggedPath(request.url)
    const ownPath = path.startsWith(basePath) ? path.slice(basePath.length) : path
    if (publicPaths.has(ownPath) || path.startsWith(paths.oauthAuthorizationServer))
      return { ...shared, origin: '*' }
    // An app in a browser registers before it has an origin here; what it is to be answered is for nobody else.
    if (ownPath === paths.register && registrationEndpoint.mode === 'open')
      return { ...shared, origin: '*' }
    const { origin } = request.headers
    if (origin === undefined || !clientPaths.has(ownPath)) return { origin: false }
    return { ...shared, origin: (await clients.isAllowedOrigin(origin)) ? origin : false }
  }

  const delegator: FastifyCorsOptionsDelegate = (request, done) => {
    optionsFor(request).then(
      (options) => done(null, options),
      (error: unknown) => done(error as Error, undefined),
    )
  }
  return { delegator }
}
