/** Secrets that we make, of 256 bits: so a plain SHA-256 is enough for the database to know them by. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export function createSecret(): string {
  return randomBytes(32).toString('base64url')
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export function hashesMatch(presentedHash: Buffer, secretHash: Buffer): boolean {
  return timingSafeEqual(presentedHash, secretHash)
}
