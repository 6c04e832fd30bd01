/** SHA-256 in any runtime: at once where Node's own crypto is at hand, else by Web Crypto. */

type Hash = (algorithm: 'sha256', data: string | Uint8Array, encoding: 'base64url') => string

interface NodeHash {
  update(data: string | Uint8Array): NodeHash
  digest(encoding: 'base64url'): string
}

interface NodeCrypto {
  createHash(algorithm: 'sha256'): NodeHash
  /** The same in one step, and faster; from Node 20.12 on. */
  hash?: Hash
}

const { process } = globalThis as {
  process?: { getBuiltinModule?: (name: 'node:crypto') => NodeCrypto | undefined }
}
const hash = findHash(process?.getBuiltinModule?.('node:crypto'))

function findHash(nodeCrypto: NodeCrypto | undefined): Hash | undefined {
  return (
    nodeCrypto?.hash ??
    (nodeCrypto &&
      ((algorithm, data, encoding) =>
        nodeCrypto.createHash(algorithm).update(data).digest(encoding)))
  )
}

/** In base64url without padding (43 characters). A text is hashed as UTF-8. */
export function sha256(data: string | Uint8Array<ArrayBuffer>): string | Promise<string> {
  return hash ? hash('sha256', data, 'base64url') : sha256ByWebCrypto(data)
}

async function sha256ByWebCrypto(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return btoa(String.fromCodePoint(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
