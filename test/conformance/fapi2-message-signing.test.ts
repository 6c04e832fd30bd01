/** fapi2-message-signing-final-test-plan, with private_key_jwt, DPoP, OpenID Connect with signed responses (JARM) and plain ones. */
import t from 'tap'
import { fapi2Modules } from './fapi2/index.ts'
import { runFapi2Modules } from './fapi2/module.ts'
import { createFapi2Suite } from './fapi2/variant.ts'

for (const [jarm, only] of [
  [true, /./],
  [false, /^(happy-flow|user-rejects)/],
] as const)
  t.test(jarm ? 'signed responses' : 'plain responses', async (t) => {
    const suite = await createFapi2Suite(t, 'conformance-message-signing', { jarm })
    runFapi2Modules(t, 'fapi2-message-signing-final', suite, fapi2Modules, { only })
  })
