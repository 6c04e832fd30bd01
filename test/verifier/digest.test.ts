import { createHash } from 'node:crypto'
import t from 'tap'
import { sha256 } from '../../src/verifier/digest.ts'

const texts = ['', 'user:U', 'Łódź', 'x'.repeat(1000)]

t.test('a digest is the same with and without the crypto of Node', async (t) => {
  const { getBuiltinModule } = process
  t.teardown(() => Object.assign(process, { getBuiltinModule }))
  Object.assign(process, { getBuiltinModule: undefined })
  const url = new URL('../../src/verifier/digest.js?elsewhere', import.meta.url).href
  const elsewhere = (await import(url)) as { sha256: typeof sha256 }
  for (const text of texts) {
    const digest = elsewhere.sha256(text)
    t.ok(digest instanceof Promise)
    t.equal(await digest, sha256(text))
    t.equal(await elsewhere.sha256(new TextEncoder().encode(text)), sha256(text))
  }
  t.equal(sha256(''), '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU')
})

t.test('a Node without crypto.hash has the same digests', async (t) => {
  const { getBuiltinModule } = process
  t.teardown(() => Object.assign(process, { getBuiltinModule }))
  Object.assign(process, { getBuiltinModule: () => ({ createHash }) })
  const url = new URL('../../src/verifier/digest.js?older', import.meta.url).href
  const older = (await import(url)) as { sha256: typeof sha256 }
  for (const text of texts) t.equal(older.sha256(text), sha256(text))
})
