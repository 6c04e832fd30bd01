/** Static files of the pages: read once at start, named by their content, compressed once, cached for ever. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { paths } from '../protocol/paths.ts'
import { matchesEtag } from './cacheable.ts'

export interface AssetRequestHeaders {
  'accept-encoding'?: string | string[] | undefined
  'if-none-match'?: string | undefined
}

export interface AssetAnswer {
  status: 200 | 304
  headers: Record<string, string>
  body: Buffer | undefined
}

export interface Assets {
  /** The URL path of a file in src/pages/assets: `claviger.css` → `/assets/claviger.<hash>.css`. */
  urlOf(name: string): string
  /** The answer to a request for the last segment of such a path. */
  find(fileName: string, headers: AssetRequestHeaders): AssetAnswer | undefined
}

interface Asset {
  fileName: string
  etag: string
  headers: Record<string, string>
  plain: Buffer
  brotli: Buffer
}

const packageRoot = new URL('../../../', import.meta.url)
const assetsFolder = new URL('src/pages/assets/', packageRoot)

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** `basePath` is the issuer's own path without a closing slash, the empty text for most. */
export function createAssets({ basePath }: { basePath: string }): Assets {
  const byName = new Map(readdirSync(assetsFolder).map((name) => [name, readAsset(name)]))
  const byFileName = new Map([...byName.values()].map((asset) => [asset.fileName, asset]))

  return {
    urlOf(name) {
      const asset = byName.get(name)
      if (!asset) throw new Error(`There is no asset '${name}' in src/pages/assets.`)
      return `${basePath}${paths.assets}/${asset.fileName}`
    },

    find(fileName, request) {
      const asset = byFileName.get(fileName)
      if (!asset) return undefined
      const isBrotli = acceptsBrotli(String(request['accept-encoding'] ?? ''))
      const etag = isBrotli ? `"${asset.etag}-br"` : `"${asset.etag}"`
      const headers = { ...asset.headers, etag, ...(isBrotli && { 'content-encoding': 'br' }) }
      if (matchesEtag(request['if-none-match'], etag))
        return { status: 304, headers, body: undefined }
      return { status: 200, headers, body: isBrotli ? asset.brotli : asset.plain }
    },
  }
}

function readAsset(name: string): Asset {
  const extension = extname(name)
  const contentType = contentTypes[extension]
  if (!contentType) throw new Error(`The asset '${name}' has an extension without a media type.`)
  const plain = readFileSync(new URL(name, assetsFolder))
  const etag = createHash('sha256').update(plain).digest('hex').slice(0, 16)
  return {
    fileName: `${name.slice(0, -extension.length)}.${etag}${extension}`,
    etag,
    headers: {
      'content-type': contentType,
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
    },
    plain,
    brotli: brotliCompressSync(plain),
  }
}

function acceptsBrotli(acceptEncoding: string): boolean {
  const codings = acceptEncoding.split(',').map((item) => item.trim().toLowerCase())
  const brotli = codings.find((coding) => coding === 'br' || coding.startsWith('br;'))
  return brotli !== undefined && !/;\s*q=0(\.0*)?$/.test(brotli)
}
