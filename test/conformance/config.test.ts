/** oidcc-config-certification-test-plan, with static clients. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { discoveryModules } from './discovery.ts'
import { runModules } from './module.ts'

const suite = await createSuite(t)
runModules(t, 'oidcc-config', suite, discoveryModules(suite))
