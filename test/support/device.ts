/** The steps of the device flow (RFC 8628) one by one. */
import { deviceCodeGrant } from '../../src/protocol/grant-types.ts'
import { post, type Answer, type Fields, type Party } from './flow.ts'
import type { TestProvider } from './provider.ts'
import type { Page, UserAgent } from './user-agent.ts'

type Issuer = Pick<TestProvider, 'issuer'>

export interface StartedDevice {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

/** Metadata of a client for devices. */
export const deviceClient = {
  grant_types: [deviceCodeGrant, 'refresh_token'],
  redirect_uris: [],
}

export async function startDevice(
  provider: Issuer,
  client: Party,
  fields: Fields = { scope: 'openid offline_access' },
): Promise<StartedDevice> {
  const { status, body } = await post(provider, '/device_authorization', client, fields)
  if (status !== 200) throw new Error(`Not started: ${status} ${JSON.stringify(body)}`)
  return body as unknown as StartedDevice
}

export function poll(
  provider: Issuer,
  client: Party,
  { device_code }: Pick<StartedDevice, 'device_code'>,
  changes: Fields = {},
): Promise<Answer> {
  const form = { grant_type: deviceCodeGrant, device_code, ...changes }
  return post(provider, '/token', client, form)
}

/** The page that asks whether the device may have access. */
export async function enterCode(
  { issuer }: Issuer,
  browser: UserAgent,
  user_code: string,
): Promise<Page> {
  return browser.submit(await browser.open(`${issuer}/device`), { user_code })
}

/** As a person who is signed in. */
export async function answerDevice(
  provider: Issuer,
  browser: UserAgent,
  { user_code }: Pick<StartedDevice, 'user_code'>,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Page> {
  return browser.submit(await enterCode(provider, browser, user_code), { decision })
}
