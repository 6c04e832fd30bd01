/** oidcc-formpost-basic-certification-test-plan: the Basic OP modules, each answered by a form, errors as well. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { basicModules } from './basic/index.ts'
import { runModules } from './module.ts'

const suite = await createSuite(t, { responseMode: 'form_post' })
runModules(t, 'oidcc-formpost-basic', suite, basicModules)
