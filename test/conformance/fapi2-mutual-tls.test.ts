/** fapi2-security-profile-final-test-plan with client certificates (RFC 8705): by which clients authenticate, tokens are bound, or both. */
import t from 'tap'
import { fapi2Modules } from './fapi2/index.ts'
import { runFapi2Modules } from './fapi2/module.ts'
import { createFapi2Suite } from './fapi2/variant.ts'

/** Where it matters which certificate it is, and who has it. */
const aboutHolders =
  /^(happy-flow|refresh-token|ensure-(holder-of-key|client-id-in|authorization-code-is-bound))/

for (const [pair, only, about] of [
  ['conformance-fapi-mtls', /./, 'certificates that sign themselves'],
  ['conformance-fapi-pki', aboutHolders, 'certificates of an authority'],
  ['conformance-fapi-key-mtls', aboutHolders, 'keys, and tokens that are bound to certificates'],
] as const)
  t.test(`clients with ${about}`, async (t) => {
    const suite = await createFapi2Suite(t, pair)
    runFapi2Modules(t, 'fapi2-security-profile-final', suite, fapi2Modules, { only })
  })
