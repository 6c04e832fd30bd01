/** npm run conformance:config: writes what `claviger seed` and the OpenID Foundation's conformance suite are given. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exportJWK, generateKeyPair } from 'jose'
import { plansFor } from './plans.ts'
import { fapiClientIds, seedFor, type ClientKeys } from './seed.ts'

const usage = `Writes seed.json, a configuration per plan, and plans.txt, which names each plan and its file.

  npm run conformance:config -- --issuer https://op.example --suite https://suite.example --alias claviger --out DIR

  --issuer URL                   the provider
  --suite URL                    the suite, as the provider and its browser reach it
  --alias NAME                   part of the suite's callback URLs (claviger)
  --out DIR                      where the files go; they hold private keys of test clients
  --initial-access-token TOKEN   for plans with dynamic clients, where registration is not open
  --resource URL                 a protected resource for the FAPI 2.0 plan without OpenID Connect
`

const { issuer, suite, alias, out, resource, ...values } = readOptions()

const keys = Object.fromEntries(
  await Promise.all(fapiClientIds.map(async (clientId) => [clientId, await createKey(clientId)])),
) as ClientKeys
const address = { suite, alias }
const plans = plansFor({
  ...address,
  issuer,
  keys,
  resource,
  initialAccessToken: values['initial-access-token'],
})
await mkdir(out, { recursive: true })
await writeJson('seed.json', seedFor(address, keys))
for (const { file, config } of plans) await writeJson(file, config)
await writeFile(join(out, 'plans.txt'), plans.map(({ plan, file }) => `${plan} ${file}\n`).join(''))
process.stdout.write(`Next: npx claviger seed ${join(out, 'seed.json')}\n`)

function readOptions() {
  const options = {
    issuer: { type: 'string' },
    suite: { type: 'string' },
    alias: { type: 'string', default: 'claviger' },
    out: { type: 'string' },
    'initial-access-token': { type: 'string' },
    resource: { type: 'string' },
  } as const
  try {
    const { values } = parseArgs({ options })
    return {
      ...values,
      issuer: readAddress('--issuer', values.issuer),
      suite: readAddress('--suite', values.suite),
      out: values.out ?? refuse('--out is missing.'),
    }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

/** The suite refuses plain http. */
function readAddress(name: string, address: string | undefined): string {
  if (address === undefined) return refuse(`${name} is missing.`)
  if (!URL.canParse(address) || new URL(address).protocol !== 'https:')
    return refuse(`${name} must be an https URL.`)
  return address.replace(/\/$/, '')
}

function refuse(sentence: string): never {
  process.stderr.write(`error: ${sentence}\n\n${usage}`)
  process.exit(2)
}

async function writeJson(file: string, content: unknown): Promise<void> {
  await writeFile(join(out, file), `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 })
}

/** FAPI 2.0 Security Profile §5.4: PS256, ES256 or EdDSA. */
async function createKey(kid: string) {
  const { privateKey } = await generateKeyPair('PS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'PS256', use: 'sig' }
}
