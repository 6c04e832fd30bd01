/** What doctor reads from the settings: addresses, proxy, certificate, cookies; and whether a server answers. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { isLoopback } from '../config/parsers.ts'
import { paths } from '../protocol/paths.ts'
import { isAnswering } from './doctor-port.ts'
import type { Findings, Problem } from './doctor.ts'
import { fields } from './output.ts'
import { localTime } from './time.ts'

export async function examineSurroundings(config: Config): Promise<Findings> {
  const { issuer, host, port, tls, trustProxy, rateLimit } = config
  const isHttps = issuer.startsWith('https:')
  const endpoints = endpointsOf(config)
  const answers = await isAnswering(host, port)
  const proxy =
    trustProxy === false ? 'none is trusted' : `trusted: ${[trustProxy].flat().join(', ')}`
  const prefix = isHttps ? '__Host-' : ''
  return {
    document: {
      issuer,
      endpoints,
      listening: { host, port, tls: tls !== undefined, answers },
      trust_proxy: trustProxy,
      cookies: { name_prefix: prefix, secure: isHttps, http_only: true, same_site: 'Lax' },
      rate_limit: rateLimit,
    },
    rows: [
      ['issuer', issuer],
      ['endpoints', fields(Object.entries(endpoints))],
      [
        'listens on',
        `${host}, port ${port}, ${tls ? 'HTTPS' : 'plain HTTP'}; ` +
          (answers ? 'something answers there' : 'nothing answers there now'),
      ],
      ['proxy', proxy],
      ['cookies', `${prefix}claviger-…, ${isHttps ? 'Secure, ' : ''}HttpOnly, SameSite=Lax`],
      ['rate limit', rateLimit ? 'on' : 'off'],
    ],
    problems: [...findProblems(config), ...(tls ? await findTlsProblems(tls, issuer) : [])],
  }
}

function findProblems({ issuer, tls, trustProxy, rateLimit }: Config): Problem[] {
  const isHttps = issuer.startsWith('https:')
  const problems: (Problem | false)[] = [
    isHttps &&
      !tls &&
      trustProxy === false && {
        code: 'proxy_not_trusted',
        message:
          'The issuer is https: but this process serves plain HTTP, and TRUST_PROXY is off: behind a proxy everybody ' +
          'has one address and shares its rate limit. Set TRUST_PROXY, or TLS_CERT_FILE and TLS_KEY_FILE.',
      },
    !isHttps &&
      !isLoopback(issuer) && {
        code: 'insecure_http',
        message:
          'The issuer is http: and not loopback: passwords and tokens travel in clear. Write an https: ISSUER.',
      },
    !rateLimit && {
      code: 'rate_limit_off',
      message:
        'CLAVIGER_RATE_LIMIT is off: passwords can be guessed without limit. Remove it, unless this is a load test.',
    },
  ]
  return problems.filter((problem) => problem !== false)
}

async function findTlsProblems(
  { certFile, keyFile }: NonNullable<Config['tls']>,
  issuer: string,
): Promise<Problem[]> {
  try {
    const certificate = new X509Certificate(await readFile(certFile))
    const faults = [
      !certificate.checkPrivateKey(createPrivateKey(await readFile(keyFile))) &&
        `is not the certificate of the key in ${keyFile}`,
      new Date(certificate.validTo) < new Date() &&
        `expired on ${localTime(new Date(certificate.validTo))}`,
      certificate.checkHost(new URL(issuer).hostname) === undefined &&
        `is not for the host of the issuer, ${new URL(issuer).hostname}`,
    ]
    return faults
      .filter((fault) => fault !== false)
      .map((fault) => ({ code: 'certificate', message: `${certFile} ${fault}. Replace it.` }))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `TLS_CERT_FILE and TLS_KEY_FILE cannot be used (${reason}). Write PEM files.`
    return [{ code: 'certificate', message }]
  }
}

function endpointsOf({ issuer, revocationFeed, registration }: Config) {
  const { origin, pathname } = new URL(issuer)
  return {
    openid_configuration: issuer + paths.openidConfiguration,
    // RFC 8414 §3.1: before the issuer's own path.
    oauth_authorization_server:
      origin + paths.oauthAuthorizationServer + pathname.replace(/\/$/, ''),
    jwks: issuer + paths.jwks,
    authorization: issuer + paths.authorize,
    pushed_authorization_request: issuer + paths.pushedAuthorization,
    device_authorization: issuer + paths.deviceAuthorization,
    token: issuer + paths.token,
    userinfo: issuer + paths.userinfo,
    introspection: issuer + paths.introspect,
    revocation: issuer + paths.revoke,
    ...(registration !== 'off' && { registration: issuer + paths.register }),
    ...(revocationFeed !== 'off' && { revocation_feed: issuer + paths.revocations }),
    global_token_revocation: issuer + paths.globalTokenRevocation,
    end_session: issuer + paths.logout,
    health: issuer + paths.ready,
  }
}
