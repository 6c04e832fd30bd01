/** Initial and registration access tokens: 256 bits, known to the database by SHA-256 only. */
import { createHash, randomBytes } from 'node:crypto'

export function createRegistrationSecret(): string {
  return randomBytes(32).toString('base64url')
}

export function hashRegistrationSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
