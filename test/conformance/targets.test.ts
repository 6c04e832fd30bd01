/** That no plan and no variant is left out. That each has all of its modules, its own test says. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../support/postgres-run.ts'
import { createCredentials } from './plan/credentials.ts'
import { pairNames } from './plan/fapi-clients.ts'
import { plansFor } from './plan/plans.ts'
import { clientSecret } from './plan/seed.ts'
import { fapi2TargetsFor } from './targets.ts'

const directory = join(packageRoot, 'test/conformance')
const files = (await readdir(directory)).filter((name) => name.endsWith('.test.ts'))
const tests = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))
const isRun = (name: string) => tests.some((text) => text.includes(name))

t.test('every plan that we write a configuration for is run here', async (t) => {
  const { credentials } = await createCredentials([])
  const issuer = 'https://op.example'
  const plans = plansFor({
    issuer,
    mtlsIssuer: `${issuer}:8443`,
    resource: 'https://api.example/accounts',
    suite: 'https://suite.example',
    alias: 'claviger',
    credentials,
  })
  for (const { plan } of plans) {
    const name = plan.replace(/(-certification)?-test-plan.*/, '')
    t.ok(isRun(name), name)
  }
  for (const pair of pairNames) t.ok(isRun(`'${pair}'`), pair)
})

t.test('the guide starts the resource with the secret of the seed', async (t) => {
  const guide = await readFile(join(packageRoot, 'docs/conformance.md'), 'utf8')
  t.match(guide, `CLIENT_SECRET=${clientSecret} `)
})

t.test('FAPI 2.0 has 56 modules, and 14 more for signed requests', async (t) => {
  const variant = { auth: 'private_key_jwt', binding: 'dpop', openid: true } as const
  t.equal(new Set(fapi2TargetsFor({ ...variant, signed: false })).size, 56)
  t.equal(new Set(fapi2TargetsFor({ ...variant, signed: true })).size, 70)
})
