import t from 'tap'
import { createFetchSectorIdentifier } from '../../src/clients/sector-identifier.ts'

const uris = ['https://app.example/callback']

const fetchMissing = createFetchSectorIdentifier({
  fetchDocument: async () => ({ failure: 'an answer of 404, not 200' }),
})

function fetchSector(document: unknown, uri = 'https://app.example/sector') {
  const fetchDocument = async () => ({ document, maxAgeSeconds: undefined })
  return createFetchSectorIdentifier({ fetchDocument })(uri)
}

t.test(
  'a sector identifier is a JSON array of redirect URIs at an https URL (OpenID Connect Registration §5)',
  async (t) => {
    t.strictSame(await fetchSector(uris), uris)
    const failure = 'an answer that is not a JSON array of redirect URIs'
    for (const document of [{ redirect_uris: uris }, 'x', null, [1], [null]])
      t.strictSame(await fetchSector(document), { failure })
    t.strictSame(await fetchSector(uris, 'http://localhost/sector'), { failure: 'no https URL' })
    t.strictSame(await fetchMissing('https://app.example/'), {
      failure: 'an answer of 404, not 200',
    })
  },
)
