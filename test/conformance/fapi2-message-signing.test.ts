/** fapi2-message-signing-final-test-plan, with private_key_jwt, DPoP, OpenID Connect and signed responses (JARM). */
import t from 'tap'
import { fapi2Modules } from './fapi2/index.ts'
import { runFapi2Modules } from './fapi2/module.ts'
import { createFapi2Suite } from './fapi2/variant.ts'

const suite = await createFapi2Suite(t, 'conformance-message-signing', { jarm: true })
runFapi2Modules(t, 'fapi2-message-signing-final', suite, fapi2Modules)
