/** oidcc-basic-certification-test-plan, with clients that register themselves. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { basicModules } from './basic/index.ts'
import { runModules } from './module.ts'
import { registerClient } from './registration.ts'

const plan = 'oidcc-basic (dynamic)'
const suite = await createSuite(t, { environment: { CLAVIGER_REGISTRATION: 'open' } })
const withoutProtection = 'oidcc-ensure-request-without-nonce-succeeds-for-code-flow'

runModules(
  t,
  plan,
  suite,
  basicModules.filter(({ name }) => name !== withoutProtection),
  (t, { metadata }) => registerClient(t, suite, metadata),
)

// Only an administrator can let a client go without both (require_pkce, RFC 9700 §2.1.1).
t.test(`${plan} / ${withoutProtection}: who registered itself needs a nonce or PKCE`, async (t) => {
  const client = await registerClient(t, suite)
  const run = suite.begin(t, withoutProtection, { client })
  const { fields } = await run.authorize({ nonce: undefined })
  t.match(fields, { error: 'invalid_request', error_description: /PKCE/ })
})
