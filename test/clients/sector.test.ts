/** Sectors (OpenID Connect Core §8.1, Registration §5). */
import t from 'tap'
import { createFindSectorFault, sectorOf } from '../../src/clients/sector.ts'
import { validateClientMetadata } from '../../src/clients/metadata.ts'
import { grantTypeNames } from '../../src/grants/index.ts'
import { deviceCodeGrant } from '../../src/protocol/grant-types.ts'
import { toClient } from '../authorization/clients.ts'

const supported = { grantTypes: grantTypeNames, authMethods: ['none'], algorithms: ['RS256'] }
const [cb, other] = ['https://app.example/cb', 'https://app.example:8443/other?x=1']
const sector = 'https://sector.example/uris.json'

function faultsOf(metadata: object): string[] {
  const checked = validateClientMetadata(
    { subject_type: 'pairwise', token_endpoint_auth_method: 'none', ...metadata },
    supported,
  )
  return checked.faults.map(({ message }) => message)
}

const sectorWith = (metadata: object) => sectorOf(toClient(metadata).metadata)

t.test('the sector is the host of the sector_identifier_uri, or that of all redirect URIs', (t) => {
  const redirect_uris = [cb, other]
  const pairwise = { subject_type: 'pairwise', redirect_uris }
  t.equal(sectorWith({ redirect_uris }), undefined, 'public unless it says so')
  t.equal(sectorWith({ redirect_uris, subject_type: 'public' }), undefined)
  t.equal(sectorWith({ redirect_uris, sector_identifier_uri: sector }), undefined)
  t.equal(sectorWith(pairwise), 'app.example')
  t.equal(sectorWith({ ...pairwise, sector_identifier_uri: sector }), 'sector.example')
  t.end()
})

t.test('without one host there must be a sector_identifier_uri', (t) => {
  const lacksSector = [/^sector_identifier_uri: .*need it/]
  const native = { application_type: 'native' }
  for (const metadata of [
    { redirect_uris: [cb, 'https://other.example/cb'] },
    { redirect_uris: ['http://localhost:3000/cb'] },
    { redirect_uris: ['http://127.0.0.1/cb'], ...native },
    { redirect_uris: ['com.example.app:/cb'], ...native },
    { redirect_uris: [], grant_types: [deviceCodeGrant] },
  ]) {
    t.match(faultsOf(metadata), lacksSector, JSON.stringify(metadata))
    t.strictSame(faultsOf({ ...metadata, sector_identifier_uri: sector }), [])
  }
  t.strictSame(faultsOf({ redirect_uris: [cb, other] }), [])
  t.strictSame(faultsOf({ redirect_uris: [cb], ...native }), [], 'a claimed https URI')
  t.end()
})

t.test('members of the wrong form', (t) => {
  for (const uri of ['http://localhost/uris.json', 'urn:x', 'https://u:p@sector.example/', 1])
    t.match(faultsOf({ redirect_uris: [cb], sector_identifier_uri: uri }), [
      /^sector_identifier_uri: /,
    ])
  t.match(faultsOf({ redirect_uris: [cb], subject_type: 'secret' }), [/public, pairwise/])
  t.end()
})

t.test('the document lists every redirect URI, and is asked for what is new', async (t) => {
  const asked: string[] = []
  let listed: string[] | { failure: string } = [cb, other]
  const find = createFindSectorFault({
    fetchSectorIdentifier: async (uri) => {
      asked.push(uri)
      return listed
    },
  })
  const redirect_uris = [cb, other]
  const metadata = { redirect_uris, sector_identifier_uri: sector }
  t.equal(await find({ redirect_uris }), undefined)
  t.strictSame(asked, [], 'there is none')

  t.equal(await find(metadata), undefined)
  t.strictSame(asked.splice(0), [sector])
  t.equal(await find(metadata, metadata), undefined)
  t.equal(await find({ ...metadata, redirect_uris: [cb] }, metadata), undefined)
  t.strictSame(asked, [], 'it vouched for them before')

  listed = [cb]
  t.match(await find(metadata, { ...metadata, redirect_uris: [cb] }), { message: other })
  t.match(await find(metadata, { redirect_uris }), { message: other })
  listed = { failure: 'an answer of 404, not 200' }
  t.match(await find({ ...metadata, sector_identifier_uri: `${sector}?2` }, metadata), {
    message: /could not be read/,
    detail: 'an answer of 404, not 200',
  })
})
