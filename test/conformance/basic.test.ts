/** oidcc-basic-certification-test-plan, with static clients. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { basicModules } from './basic/index.ts'
import { runModules } from './module.ts'

runModules(t, 'oidcc-basic', await createSuite(t), basicModules)
