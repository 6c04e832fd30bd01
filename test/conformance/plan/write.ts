/** npm run conformance:config: writes what `claviger seed` and the OpenID Foundation's conformance suite are given. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createCredentials } from './credentials.ts'
import { pairNamed, pairNames } from './fapi-clients.ts'
import { plansFor } from './plans.ts'
import { seedFor } from './seed.ts'

const usage = `Writes seed.json, a configuration per plan, and plans.txt, which names each plan and its file.

  npm run conformance:config -- --issuer https://op.example --suite https://suite.example --alias claviger --out DIR

  --issuer URL                   the provider
  --suite URL                    the suite, as the provider and its browser reach it
  --alias NAME                   part of the suite's callback URLs (claviger)
  --out DIR                      where the files go; they hold private keys of test clients
  --initial-access-token TOKEN   for plans with dynamic clients, where registration is not open
  --resource URL                 a protected resource for the FAPI 2.0 plan without OpenID Connect
  --mtls-issuer URL              where the provider asks for client certificates, for the plans with them; they are issued by
                                 authorities.pem, for CLAVIGER_TLS_CLIENT_CA_FILE
`

const { issuer, suite, alias, out, resource, mtlsIssuer, ...values } = readOptions()

const { credentials, authority } = await createCredentials(
  pairNames.filter((pair) => mtlsIssuer !== undefined || pairNamed(pair).binding === 'dpop'),
)
const address = { suite, alias }
const plans = plansFor({
  ...address,
  issuer,
  mtlsIssuer,
  credentials,
  resource,
  initialAccessToken: values['initial-access-token'],
})
await mkdir(out, { recursive: true })
await writeJson('seed.json', seedFor(address, credentials))
for (const { file, config } of plans) await writeJson(file, config)
if (mtlsIssuer !== undefined) await writeFile(join(out, 'authorities.pem'), authority)
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
    'mtls-issuer': { type: 'string' },
  } as const
  try {
    const { values } = parseArgs({ options })
    const mtlsIssuer = values['mtls-issuer']
    return {
      ...values,
      issuer: readAddress('--issuer', values.issuer),
      suite: readAddress('--suite', values.suite),
      mtlsIssuer: mtlsIssuer && readAddress('--mtls-issuer', mtlsIssuer),
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
