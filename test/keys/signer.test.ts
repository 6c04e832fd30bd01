import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import t, { type Test } from 'tap'
import type { PublicJwk } from '../../src/keys/algorithms.ts'
import { createSigners, type Signer } from '../../src/keys/signer.ts'
import { Refusal } from '../../src/protocol/refusal.ts'
import { createNode, createTestKeys, newSecret } from './setup.ts'

/** What an HSM does, in a process of its own: the private keys never leave its memory. */
const vaultProgram = `
  const { createInterface } = require('node:readline')
  const { generateKeyPairSync, sign } = require('node:crypto')
  const keys = []
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, alg, handle, data } = JSON.parse(line)
    const answer = (value) => console.log(JSON.stringify({ id, ...value }))
    if (data === undefined) {
      const pair = alg === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const handle = 'slot-' + (keys.push(pair.privateKey) - 1)
      return answer({ handle, publicJwk: pair.publicKey.export({ format: 'jwk' }) })
    }
    const key = keys[handle.slice(5)]
    const signature = sign('sha256', Buffer.from(data, 'base64'), { key, dsaEncoding: 'ieee-p1363' })
    answer({ signature: signature.toString('base64') })
  })`

interface Answer {
  id: number
  handle: string
  publicJwk: PublicJwk
  signature: string
}

function startKeyProcess(t: Test): Signer {
  const child = spawn(process.execPath, ['-e', vaultProgram], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill())
  const waiting = new Map<number, (answer: Answer) => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer: Answer = JSON.parse(line)
    waiting.get(answer.id)?.(answer)
  })
  let count = 0
  const ask = (question: object) =>
    new Promise<Answer>((resolve) => {
      const id = ++count
      waiting.set(id, resolve)
      child.stdin.write(`${JSON.stringify({ id, ...question })}\n`)
    })
  return {
    name: 'key-process',
    generate: (alg) => ask({ alg }),
    open: ({ handle }) =>
      Promise.resolve(async (data) => {
        const { signature } = await ask({ handle, data: data.toString('base64') })
        return Buffer.from(signature, 'base64')
      }),
  }
}

t.test('another signer makes the keys and signs with them', async (t) => {
  const { rotation, keyring, store } = await createTestKeys(t, { signer: startKeyProcess(t) })
  await rotation.ensureKeys()
  await keyring.load()
  const rows = await store.list()
  t.same(new Set(rows.map(({ signer }) => signer)), new Set(['key-process']))
  t.same(
    new Set(rows.map(({ handle }) => handle)),
    new Set(['slot-0', 'slot-1', 'slot-2', 'slot-3']),
  )
  const jwks: JSONWebKeySet = JSON.parse(keyring.jwks().body)
  for (const alg of ['RS256', 'ES256'] as const) {
    const token = await keyring.sign(alg, 'at+jwt', { sub: 'ada' })
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), { algorithms: [alg] })
    t.same(payload, { sub: 'ada' })
  }
})

t.test('keys of the local signer stay in use until they are rotated', async (t) => {
  const { database, secret, clock, rotation, store } = await createTestKeys(t)
  await rotation.ensureKeys()
  const signer = startKeyProcess(t)
  const node = await createNode(database, secret, clock, { signer })
  await node.keyring.load()
  t.match(await node.keyring.sign('ES256', 'JWT', {}), /^ey/)
  clock.advance(30 * 86_400)
  await node.rotation.runDue()
  await node.keyring.load()
  t.equal(node.keyring.isLoaded(), true)
  clock.advance(30 * 86_400)
  await node.rotation.runDue()
  await node.keyring.load()
  t.match(await node.keyring.sign('ES256', 'JWT', {}), /^ey/)
  const signers = (await store.list()).map((key) => key.signer)
  t.equal(signers.filter((name) => name === 'local').length, 4)
  t.equal(signers.filter((name) => name === 'key-process').length, 4)

  const without = await createNode(database, secret, clock)
  await t.rejects(without.keyring.load(), Refusal)
  await t.rejects(without.keyring.load(), { message: /by the signer key-process, .*plug it in/ })
  t.same(
    (await node.rewrap({ actor: 'ada' })).alreadyNewest.length,
    4,
    'keys of another signer are not rewrapped',
  )
})

t.test('no private member of a careless signer gets into the JWKS', async (t) => {
  const keyProcess = startKeyProcess(t)
  const careless: Signer = {
    ...keyProcess,
    generate: async (alg) => {
      const made = await keyProcess.generate(alg)
      return { ...made, publicJwk: Object.assign({ d: newSecret() }, made.publicJwk) }
    },
  }
  const { publicJwk } = await createSigners(careless).generate('ES256')
  t.same(Object.keys(publicJwk), ['kty', 'crv', 'x', 'y'])
})

t.test('a key whose signatures do not verify is never published', async (t) => {
  const keyProcess = startKeyProcess(t)
  const broken: Signer = { ...keyProcess, open: async () => async () => Buffer.alloc(64) }
  const { rotation, store } = await createTestKeys(t, { signer: broken })
  await t.rejects(rotation.ensureKeys(), { message: /signer key-process made a .* key whose/ })
  t.same(await store.list(), [])
})
