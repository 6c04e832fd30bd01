/** FAPI 2.0 Security Profile with DPoP: the modules of the suite in which a pushed request binds the code ([D]). */
import t from 'tap'
import { createDpopKey, type DpopKey } from '../support/dpop.ts'
import { startSession, verifier, type Answer, type Fields } from '../support/flow.ts'
import { createTestProvider } from '../support/provider.ts'
import { callback, createFapi2Client } from './fapi2-client.ts'

const provider = await createTestProvider(t)
const { issuer, clock } = provider
const { sub } = await provider.createUser()
const client = await createFapi2Client(provider)
const key = await createDpopKey(provider)
const otherKey = await createDpopKey(provider)

const now = () => Math.floor(clock.now().getTime() / 1000)

async function pushWith(by: DpopKey, changes: Fields = {}, claims = {}): Promise<Answer> {
  return client.push(changes, { dpop: await by.prove('POST /par', { claims }) })
}

/** Redeems the code of a pushed request with a proof of that key. */
async function redeemWith(by: DpopKey, pushed: Promise<Answer>): Promise<Answer> {
  const browser = await startSession(provider, sub)
  const { url } = await browser.open(client.frontChannel(await client.requestUri(pushed)))
  const fields = {
    grant_type: 'authorization_code',
    code: new URL(url).searchParams.get('code') ?? '',
    redirect_uri: callback,
    code_verifier: verifier,
  }
  return client.send(fields, { path: '/token', dpop: await by.prove('POST /token') })
}

t.test('EnsureDpopProofAtParEndpointBindingSuccess: the same key throughout', async (t) => {
  for (const dpop_jkt of [undefined, key.jkt]) {
    const answer = await redeemWith(key, pushWith(key, { dpop_jkt }))
    t.match(answer, { status: 200, body: { token_type: 'DPoP' } })
    const token = String(answer.body['access_token'])
    const headers = {
      authorization: `DPoP ${token}`,
      dpop: await key.prove('GET /userinfo', { token }),
    }
    t.equal((await fetch(`${issuer}/userinfo`, { headers })).status, 200)
  }
})

t.test('EnsureDpopAuthCodeBindingSuccess: by dpop_jkt alone', async (t) => {
  const answer = await redeemWith(key, client.push({ dpop_jkt: key.jkt }))
  t.match(answer, { status: 200, body: { token_type: 'DPoP' } })
})

t.test('EnsureMismatchedDpopJktFails: dpop_jkt is not of the key of the proof', async (t) => {
  const answer = await pushWith(key, { dpop_jkt: otherKey.jkt })
  t.match(answer, { status: 400, body: { error: 'invalid_dpop_proof' } })
})

t.test('EnsureTokenEndpointFailsWithMismatchedDpopProofJkt', async (t) => {
  const answer = await redeemWith(otherKey, pushWith(key))
  t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
})

t.test('EnsureTokenEndpointFailsWithMismatchedDpopJkt', async (t) => {
  const answer = await redeemWith(otherKey, client.push({ dpop_jkt: key.jkt }))
  t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
})

t.test('a proof binds the code of a request object as well (RFC 9449 §10.1)', async (t) => {
  const request = await client.sign(client.claims(), 'ES256')
  const pushed = async () => client.send({ request }, { dpop: await key.prove('POST /par') })
  t.equal((await redeemWith(otherKey, pushed())).status, 400)
  t.equal((await redeemWith(key, pushed())).status, 200)
  const signed = await client.sign(client.claims({ dpop_jkt: otherKey.jkt }), 'ES256')
  const answer = await client.send({ request: signed }, { dpop: await key.prove('POST /par') })
  t.match(answer, { status: 400, body: { error: 'invalid_dpop_proof' } })
})

t.test('EnsureDpopProofWithIat10SecondsBefore/AfterSucceeds: at PAR too', async (t) => {
  for (const seconds of [-10, 10])
    t.equal((await pushWith(key, {}, { iat: now() + seconds })).status, 201)
})

t.test('a proof that is none is refused, and what is refused gets a nonce', async (t) => {
  for (const dpop of [
    'x',
    await key.prove('POST /token'),
    await key.prove('POST /par', { claims: { iat: 1 } }),
  ]) {
    const answer = await client.push({}, { dpop })
    t.match(answer, { status: 400, body: { error: 'invalid_dpop_proof' } })
    t.match(answer.headers.get('dpop-nonce'), /^[\w-]{43}$/)
  }
  const stale = await pushWith(key, {}, { nonce: 'stale' })
  t.match(stale, { status: 400, body: { error: 'use_dpop_nonce' } })
  const nonce = stale.headers.get('dpop-nonce')
  t.equal((await pushWith(key, {}, { nonce })).status, 201)
})
