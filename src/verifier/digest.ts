/** SHA-256 in any runtime: at once where Node's own crypto is at hand, else by Web Crypto. */

interface NodeHash {
  update(data: string | Uint8Array): NodeHash
  digest(encoding: 'base64url'): string
}

interface NodeCrypto {
  createHash(algorithm: 'sha256'): NodeHash
}

const { process } = globalThis as {
  process?: { getBuiltinModule?: (name: 'node:crypto') => NodeCrypto | undefined }
}
const nodeCrypto = process?.getBuiltinModule?.('node:crypto')

/** In base64url without padding (43 characters). A text is hashed as UTF-8. */
export function sha256(data: string | Uint8Array<ArrayBuffer>): string | Promise<string> {
  return nodeCrypto
    ? nodeCrypto.createHash('sha256').update(data).digest('base64url')
    : sha256ByWebCrypto(data)
}

async function sha256ByWebCrypto(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return btoa(String.fromCodePoint(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
