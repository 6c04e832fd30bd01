/** oidcc-formpost-basic-certification-test-plan: the Basic OP modules, each answered by a form, errors as well. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { basicModules } from './basic/index.ts'
import { runModules } from './module.ts'
import { openRegistration, registerClient } from './registration.ts'

const plan = 'oidcc-formpost-basic'
const suite = await createSuite(t, { responseMode: 'form_post', environment: openRegistration })
runModules(t, plan, suite, basicModules)

// How a client came to be makes no difference to the form: one module for each kind of answer.
const kinds = new Set([
  'oidcc-server',
  'oidcc-response-type-missing',
  'oidcc-prompt-none-not-logged-in',
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow',
])
const modules = basicModules.filter(({ name }) => kinds.has(name))
runModules(t, `${plan} (dynamic)`, suite, modules, (t, { metadata }) =>
  registerClient(t, suite, metadata),
)
