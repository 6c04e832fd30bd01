import { readFile } from 'node:fs/promises'
import { brotliDecompressSync } from 'node:zlib'
import t from 'tap'
import { createAssets } from '../../src/http/assets.ts'

const assets = createAssets({ basePath: '/auth' })
const url = assets.urlOf('claviger.css')
const fileName = url.split('/').at(-1) ?? ''
const source = await readFile(new URL('../../../src/pages/assets/claviger.css', import.meta.url))

t.test(
  'an asset is named by its content below the issuer and kept for ever (RFC 8246)',
  async (t) => {
    t.match(url, /^\/auth\/assets\/claviger\.[0-9a-f]{16}\.css$/)
    const answer = assets.find(fileName, {})
    t.equal(answer?.status, 200)
    t.same(answer?.body, source)
    t.match(answer?.headers, {
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
    })
    t.equal(answer?.headers['content-encoding'], undefined)
  },
)

t.test('brotli goes to those who accept it (RFC 9110 §12.5.3)', async (t) => {
  for (const accepted of ['br', 'gzip, deflate, br', 'gzip;q=1, br;q=0.5', 'BR']) {
    const answer = assets.find(fileName, { 'accept-encoding': accepted })
    t.equal(answer?.headers['content-encoding'], 'br', accepted)
    t.same(brotliDecompressSync(answer?.body ?? ''), source)
  }
  for (const refused of ['', 'gzip', 'br;q=0', 'br; q=0.00', 'brotli'])
    t.same(assets.find(fileName, { 'accept-encoding': refused })?.body, source, refused)
})

t.test('a copy that is still good is not sent again (RFC 9110 §13.1.2)', async (t) => {
  const plain = assets.find(fileName, {})?.headers['etag'] ?? ''
  const brotli = assets.find(fileName, { 'accept-encoding': 'br' })?.headers['etag'] ?? ''
  t.not(plain, brotli, 'each form has its own tag')
  for (const tag of [plain, `W/${plain}`, `"other", ${plain}`, '*']) {
    const answer = assets.find(fileName, { 'if-none-match': tag })
    t.equal(answer?.status, 304, tag)
    t.equal(answer?.body, undefined)
    t.equal(answer?.headers['etag'], plain)
  }
  t.equal(assets.find(fileName, { 'if-none-match': brotli })?.status, 200)
  t.equal(assets.find(fileName, { 'if-none-match': '' })?.status, 200)
})

t.test('there is nothing under any other name', async (t) => {
  for (const name of ['claviger.css', 'claviger.0000000000000000.css', '', '../layout.tsx'])
    t.equal(assets.find(name, {}), undefined, name)
  t.throws(() => assets.urlOf('missing.css'), { message: /no asset 'missing.css'/ })
})
