/** oidcc-dynamic-certification-test-plan for response_type=code: clients register themselves, for private_key_jwt. */
import t from 'tap'
import { createSuite } from '../support/suite.ts'
import { createWebServer } from '../support/web-server.ts'
import { basicModules } from './basic/index.ts'
import { discoveryModules } from './discovery.ts'
import { idTokenModules } from './dynamic/id-tokens.ts'
import { keyModules } from './dynamic/keys.ts'
import { metadataModules } from './dynamic/metadata.ts'
import { pageModules } from './dynamic/pages.ts'
import { runModules } from './module.ts'
import { openRegistration, registerClient, type Publish } from './registration.ts'

const published = new Map<string, object>()
const web = await createWebServer(t, (request, response) => {
  const document = published.get(request.url ?? '')
  response
    .writeHead(document ? 200 : 404, { 'content-type': 'application/json' })
    .end(JSON.stringify(document ?? {}))
})
const publish: Publish = (path, document) => {
  published.set(path, document)
  return `${web.origin}${path}`
}
const suite = await createSuite(t, {
  environment: { ...openRegistration, CLAVIGER_OUTGOING_CA_FILE: web.caFile },
})

const ofBasicToo = new Set([
  'oidcc-server',
  'oidcc-ensure-request-object-with-redirect-uri',
  'oidcc-refresh-token',
])
const modules = [
  ...basicModules.filter(({ name }) => ofBasicToo.has(name)),
  ...discoveryModules(suite),
  ...idTokenModules,
  ...pageModules(suite),
  ...metadataModules(suite, publish),
  ...keyModules(suite, publish),
]

runModules(t, 'oidcc-dynamic', suite, modules, (t, { metadata }) =>
  registerClient(t, suite, { token_endpoint_auth_method: 'private_key_jwt', ...metadata }),
)
