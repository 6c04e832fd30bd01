/** fapi2-security-profile-final-test-plan, with private_key_jwt, DPoP and OpenID Connect. */
import t from 'tap'
import { fapi2Modules } from './fapi2/index.ts'
import { runFapi2Modules } from './fapi2/module.ts'
import { createFapi2Suite } from './fapi2/variant.ts'

const suite = await createFapi2Suite(t, 'conformance-fapi')
runFapi2Modules(t, 'fapi2-security-profile-final', suite, fapi2Modules)
