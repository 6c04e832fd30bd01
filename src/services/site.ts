/** What the pages are made of, and what a browser carries from one to the next. */
import { randomBytes } from 'node:crypto'
import { createAssets } from '../http/assets.ts'
import { createBrowserSession } from '../http/browser-session.ts'
import { createCsrf } from '../http/csrf.ts'
import { basePathOf, createPages } from '../http/pages.ts'
import { createSecurityHeaders } from '../http/security-headers.ts'
import type { ServerSecret } from '../keys/server-secret.ts'
import { paths } from '../protocol/paths.ts'
import type { AdminServices, ServiceOptions } from './admin.ts'

export function createSiteServices(
  { config }: ServiceOptions,
  { sessions, serverSecret }: Pick<AdminServices, 'sessions'> & { serverSecret: ServerSecret },
) {
  const { issuer } = config
  const basePath = basePathOf(issuer)
  const securityHeaders = createSecurityHeaders({ isHttps: issuer.startsWith('https:') })
  const assets = createAssets({ basePath })
  return {
    basePath,
    securityHeaders,
    assets,
    pages: createPages({ issuer, securityHeaders }),
    site: {
      issuer,
      stylesheet: assets.urlOf('claviger.css'),
      icon: assets.urlOf('claviger.svg'),
      home: `${basePath}${paths.home}`,
    },
    browserSession: createBrowserSession({
      sessions,
      csrf: createCsrf({ key: serverSecret.deriveKey('form tokens'), randomBytes }),
      issuer,
    }),
    signUp: config.signUp,
  }
}
