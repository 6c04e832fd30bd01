/** Four services that verify tokens, each with the cache that such services have in life, its times scaled down. */
import { createPublicKey } from 'node:crypto'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  jwtVerify,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import jwksRsa from 'jwks-rsa'
import { createJwksSource, type JwksSource } from './jwks-source.ts'
import type { SoakNode } from './node.ts'
import { algs, windows } from './windows.ts'

export interface Verifier {
  name: string
  /** Throws when it refuses the token. */
  verify(token: string): Promise<void>
  source: JwksSource
  /** How often a key that is not in its cache makes it fetch the JWKS before its time: the key has signed too early. */
  unknownKids?(): number
  /** How often the answer was 304. */
  notModified?(): number
}

interface KeySource extends Pick<Verifier, 'name' | 'unknownKids' | 'notModified'> {
  getKey: JWTVerifyGetKey
}

/** All that the lead allows: what jose and jwks-rsa take for 10 minutes. */
const cacheMilliseconds = (windows.jwksMaxAgeSeconds + windows.verifierCacheSeconds) * 1000

export function createVerifiers(nodes: readonly SoakNode[], issuer: string): Verifier[] {
  return [jose, jwksRsaClient, fixedCache, etagCache].map((createKeySource, index) => {
    const source = createJwksSource(nodes, index)
    const keySource = createKeySource(source, issuer)
    async function verify(token: string): Promise<void> {
      await jwtVerify(token, keySource.getKey, { issuer, typ: 'at+jwt', algorithms: algs })
    }
    return Object.assign(keySource, { source, verify })
  })
}

/** Keeps the JWKS for 10 minutes; for a kid that is not in it, asks again after 30 seconds. */
function jose(source: JwksSource, issuer: string): KeySource {
  let renewedAt = -Infinity
  let unknownKids = 0
  const getKey = createRemoteJWKSet(new URL(issuer), {
    cacheMaxAge: cacheMilliseconds,
    cooldownDuration: cacheMilliseconds / 20,
    async [customFetch](_url, { headers }) {
      if (Date.now() - renewedAt < cacheMilliseconds) unknownKids += 1
      const answer = await source.fetch(headers)
      renewedAt = Date.now()
      return answer
    },
  })
  return { name: 'jose createRemoteJWKSet', getKey, unknownKids: () => unknownKids }
}

/** Keeps each key for 10 minutes, and asks for one that it does not have. */
function jwksRsaClient(source: JwksSource): KeySource {
  const client = jwksRsa({
    cacheMaxAge: cacheMilliseconds,
    fetcher: async () => (await (await source.fetch()).json()) as JSONWebKeySet,
  })
  return {
    name: 'jwks-rsa',
    async getKey({ kid }) {
      const key = await client.getSigningKey(kid)
      return createPublicKey(key.getPublicKey())
    },
  }
}

/** Keeps the JWKS for a fixed time, 5 minutes in life, whatever tokens come. */
function fixedCache(source: JwksSource): KeySource {
  const getSet = createCache(async () => {
    const answer = await source.fetch()
    return { set: await readSet(answer), keepMilliseconds: cacheMilliseconds / 2 }
  })
  return { name: 'fixed cache', getKey: async (...asked) => (await getSet())(...asked) }
}

/** Keeps the JWKS for its max-age, then asks whether it has changed (RFC 9111 §4.3); whatever tokens come. */
function etagCache(source: JwksSource): KeySource {
  let notModified = 0
  const getSet = createCache(async (held: { set: JWTVerifyGetKey; etag: string } | undefined) => {
    const answer = await source.fetch(held && { 'if-none-match': held.etag })
    const maxAge = /\bmax-age=(\d+)/.exec(answer.headers.get('cache-control') ?? '')?.[1]
    const keepMilliseconds = Number(maxAge ?? 0) * 1000
    if (held && answer.status === 304) {
      notModified += 1
      return { ...held, keepMilliseconds }
    }
    const etag = answer.headers.get('etag') ?? ''
    return { set: await readSet(answer), etag, keepMilliseconds }
  })
  return {
    name: 'ETag cache',
    getKey: async (...asked) => (await getSet())(...asked),
    notModified: () => notModified,
  }
}

interface Renewed {
  set: JWTVerifyGetKey
  keepMilliseconds: number
}

/** Counts from when the JWKS was asked for, not from when it came. */
function createCache<Held extends Renewed>(
  renew: (held: Held | undefined) => Promise<Held>,
): () => Promise<JWTVerifyGetKey> {
  let held: { renewed: Held; until: number } | undefined
  let renewing: Promise<void> | undefined

  async function renewNow(): Promise<void> {
    const askedAt = Date.now()
    const renewed = await renew(held?.renewed)
    held = { renewed, until: askedAt + renewed.keepMilliseconds }
  }

  return async () => {
    if (!held || Date.now() >= held.until) {
      renewing ??= renewNow().finally(() => (renewing = undefined))
      await renewing
    }
    return held!.renewed.set
  }
}

async function readSet(answer: Response): Promise<JWTVerifyGetKey> {
  return createLocalJWKSet((await answer.json()) as JSONWebKeySet)
}
