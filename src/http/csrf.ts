/** Cross-site request forgery: a form carries an HMAC of its purpose and of a random cookie that only this browser has. */
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface CsrfDependencies {
  key: Buffer
  randomBytes: (size: number) => Buffer
}

export interface CsrfIssue {
  /** The value of the browser's cookie: the one it sent, or a new one. */
  browserId: string
  token: string
}

export interface CsrfEvidence {
  /** What the browser sent: cookie, form field, and the headers Origin and Sec-Fetch-Site. */
  browserId: string | undefined
  token: string | undefined
  origin: string | undefined
  secFetchSite: string | undefined
  purpose: string
  issuerOrigin: string
}

export type CsrfVerdict = 'ok' | 'missing' | 'mismatch' | 'cross-site'

export interface Csrf {
  issue(browserId: string | undefined, purpose: string): CsrfIssue
  verify(evidence: CsrfEvidence): CsrfVerdict
}

const browserIdPattern = /^[A-Za-z0-9_-]{22}$/ // 128 bits in base64url

export function createCsrf({ key, randomBytes }: CsrfDependencies): Csrf {
  // The id has a fixed length, so no two pairs of purpose and id give the same text.
  const tokenOf = (browserId: string, purpose: string) =>
    createHmac('sha256', key).update(`csrf:${browserId}:${purpose}`).digest('base64url')

  return {
    issue(known, purpose) {
      const browserId = isBrowserId(known) ? known : randomBytes(16).toString('base64url')
      return { browserId, token: tokenOf(browserId, purpose) }
    },

    verify({ browserId, token, origin, secFetchSite, purpose, issuerOrigin }) {
      if (origin !== undefined && origin !== issuerOrigin) return 'cross-site'
      if (secFetchSite !== undefined && !['same-origin', 'none'].includes(secFetchSite))
        return 'cross-site'
      if (browserId === undefined || token === undefined) return 'missing'
      if (!isBrowserId(browserId)) return 'mismatch'
      return equals(token, tokenOf(browserId, purpose)) ? 'ok' : 'mismatch'
    },
  }
}

function isBrowserId(value: string | undefined): value is string {
  return value !== undefined && browserIdPattern.test(value)
}

function equals(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
