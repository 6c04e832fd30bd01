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

const { values } = parseArgs({
  options: {
    issuer: { type: 'string' },
    suite: { type: 'string' },
    alias: { type: 'string', default: 'claviger' },
    out: { type: 'string' },
    'initial-access-token': { type: 'string' },
    resource: { type: 'string' },
    'mtls-issuer': { type: 'string' },
  },
})
const { issuer, suite, alias, out, resource } = values
if (issuer === undefined || suite === undefined || out === undefined) {
  process.stderr.write(usage)
  process.exit(2)
}

const mtlsIssuer = values['mtls-issuer']?.replace(/\/$/, '')
const { credentials, authority } = await createCredentials(
  pairNames.filter((pair) => mtlsIssuer !== undefined || pairNamed(pair).binding === 'dpop'),
)
const address = { suite: suite.replace(/\/$/, ''), alias }
const plans = plansFor({
  ...address,
  issuer: issuer.replace(/\/$/, ''),
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

async function writeJson(file: string, content: unknown): Promise<void> {
  await writeFile(join(out!, file), `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 })
}
