/** The modules of the FAPI 2.0 plans: of the Security Profile, and those that Message Signing adds. */
import { assertionModules } from './assertions.ts'
import { discoveryModule } from './discovery.ts'
import { dpopModules } from './dpop.ts'
import { happyFlowModule } from './happy-flow.ts'
import type { Fapi2Module } from './module.ts'
import { pushedRequestModules } from './pushed-requests.ts'
import { requestObjectModules } from './request-objects.ts'
import { requestModules } from './requests.ts'
import { tokenModules } from './tokens.ts'

export const fapi2Modules: readonly Fapi2Module[] = [
  discoveryModule,
  happyFlowModule,
  ...requestModules,
  ...dpopModules,
  ...tokenModules,
  ...assertionModules,
  ...pushedRequestModules,
  ...requestObjectModules,
]
