/** oidcc-basic-certification-test-plan, with clients that register themselves. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { basicModules } from './basic/index.ts'
import { idTokenModules } from './dynamic/id-tokens.ts'
import { runModules } from './module.ts'
import { openRegistration, registerClient } from './registration.ts'

const suite = await createSuite(t, { environment: openRegistration })

const modules = [...basicModules, ...idTokenModules]

runModules(t, 'oidcc-basic (dynamic)', suite, modules, (t, { metadata }) =>
  registerClient(t, suite, metadata),
)
