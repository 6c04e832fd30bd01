/**
 * The refresh token itself: (grant id, generation, MAC), base64url. The MAC's key never reaches the database, so a
 * copy of the database holds no refresh token, in clear or hashed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface RefreshTokenFormat {
  format(grantId: string, generation: number): string
  /** Undefined for anything that this server did not make. */
  parse(token: string): { grantId: string; generation: number } | undefined
}

const bodyBytes = 20 // 16 of UUID, 4 of generation
const macBytes = 32

export function createRefreshTokenFormat({ key }: { key: Buffer }): RefreshTokenFormat {
  return {
    format(grantId, generation) {
      const body = Buffer.alloc(bodyBytes)
      body.write(grantId.replaceAll('-', ''), 'hex')
      body.writeUInt32BE(generation, 16)
      return Buffer.concat([body, mac(key, body)]).toString('base64url')
    },
    parse(token) {
      const bytes = Buffer.from(token, 'base64url')
      if (bytes.length !== bodyBytes + macBytes || bytes.toString('base64url') !== token)
        return undefined
      const body = bytes.subarray(0, bodyBytes)
      const given = bytes.subarray(bodyBytes)
      if (!timingSafeEqual(mac(key, body), given)) return undefined
      return { grantId: toUuid(body.subarray(0, 16)), generation: body.readUInt32BE(16) }
    },
  }
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest()
}

function toUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
