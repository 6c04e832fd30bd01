/** The example of docs/revocation-feed.md, computed anew from what it says. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import t from 'tap'
import {
  digestSubject,
  feedScope,
  feedType,
  isCursor,
  parseFeedDocument,
} from '../../src/verifier/feed.ts'
import {
  isRevoked,
  revocationSubjects,
  type RevocationKind,
} from '../../src/verifier/not-before.ts'

const text = await readFile(
  fileURLToPath(new URL('../../../docs/revocation-feed.md', import.meta.url)),
  'utf8',
)
const example = text.slice(text.indexOf('### An example'), text.indexOf('## What a reader does'))
const [jwk, header, payload] = [...example.matchAll(/```json\n([^`]+)```/g)].map(
  ([, json]) => JSON.parse(json!) as Record<string, unknown>,
)
const jwt = /```\n([\w-]+\.[\w-]+\.[\w-]+)\n```/.exec(example)?.[1] ?? ''
const digests = [...example.matchAll(/^\| `([a-z]+):([^`]*)` \| `([^`]+)` \|$/gm)].map(
  ([, kind, id, digest]) => ({ kind: kind as RevocationKind, id: id!, digest: digest! }),
)

t.test('the document verifies with the key, and says what stands below it', async (t) => {
  const key = await importJWK(jwk as JWK, 'ES256')
  const verified = await compactVerify(jwt, key)
  t.strictSame(verified.protectedHeader, header)
  t.strictSame(JSON.parse(new TextDecoder().decode(verified.payload)), payload)
  t.equal(await calculateJwkThumbprint(jwk as JWK), jwk?.['kid'])
  t.equal(header?.['typ'], feedType)
  t.strictSame(parseFeedDocument(payload), payload)
  t.ok(isCursor(payload?.['cursor']))
})

t.test('the digests are computed as it says', async (t) => {
  t.equal(digests.length, 3)
  for (const { kind, id, digest } of digests) {
    const hash = createHash('sha256').update(`${kind}:${id}`, 'utf8').digest('base64url')
    t.equal(hash.slice(0, 22), digest)
    t.equal(await digestSubject({ kind, id }), digest)
  }
})

t.test('the token that it names is refused, and the next is not', async (t) => {
  const { entries } = parseFeedDocument(payload)!
  const records = entries.map(([kind, digest, notBefore]) => ({
    kind,
    id: digests.find((one) => one.digest === digest)!.id,
    notBefore,
  }))
  const { id: sub } = digests.find(({ kind }) => kind === 'user')!
  for (const [iat, verdict] of [
    [1798761599, true],
    [1798761600, false],
  ] as const) {
    t.match(example, String(iat))
    t.equal(isRevoked({ iat, sub }, records), verdict)
  }
})

t.test('it knows the kinds of subjects, the scope and the parts of a token', async (t) => {
  const table = text.slice(text.indexOf('| Kind |'), text.indexOf('The digest of a subject'))
  const named = [...table.matchAll(/^\| `(\w+)` \| (?:`(\w+)`|nothing)/gm)].map(
    ([, kind, part]) => [kind, part],
  )
  const parts = ['kid', 'client_id', 'sub', 'sid', 'grant_id', 'jti']
  const token = { iat: 0, ...Object.fromEntries(parts.map((part) => [part, part])) }
  t.strictSame(
    named,
    revocationSubjects(token).map(({ kind, id }) => [kind, id || undefined]),
  )
  t.match(text, `the scope \`${feedScope}\``)
})
