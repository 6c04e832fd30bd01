/** oidcc-3rdparty-init-login-certification-test-plan (OpenID Connect Core §4): clients register themselves. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { runModules, type Module } from './module.ts'
import { openRegistration, readRegistration, refuses, registerClient } from './registration.ts'

const suite = await createSuite(t, { environment: openRegistration })
const initiate_login_uri = 'https://suite.example/test/a/claviger/initiate_login'

const modules: Module[] = [
  {
    name: 'oidcc-3rd_party-init-login',
    says: 'where a sign-in can be begun is registered, and what the client then reads has it',
    async run({ t }) {
      const { information } = await registerClient(t, suite, { initiate_login_uri })
      t.equal(information['initiate_login_uri'], initiate_login_uri)
      const { status, type, body } = await readRegistration(suite, information)
      t.equal(status, 200)
      t.match(type, /^application\/json\b/)
      t.equal(body['initiate_login_uri'], initiate_login_uri)
    },
  },
  {
    name: 'oidcc-3rd_party-init-login-nohttps',
    says: 'a sign-in is begun by https alone',
    async run({ t }) {
      const withoutTls = initiate_login_uri.replace('https:', 'http:')
      await refuses(t, suite, { initiate_login_uri: withoutTls }, 'invalid_client_metadata')
    },
  },
]

runModules(t, 'oidcc-3rdparty-init-login', suite, modules)
