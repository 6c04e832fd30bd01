/** How a FAPI 2.0 client talks to the endpoints and to the resource: who it is, and what it proves. */
import { createDpopKey, type DpopKey } from '../../support/dpop.ts'
import { encode, type Answer, type Fields } from '../../support/flow.ts'
import type { Suite } from '../../support/suite.ts'
import type { Proof } from '../../verifier/holder.ts'
import type { Fapi2Client } from './client.ts'
import type { Variant } from './variant.ts'

/** Who sends something, and with what; the client itself with all that it needs, unless it says otherwise. */
export interface How {
  as?: Fapi2Client
  assertion?: string
  /** undefined: none. */
  dpop?: string | undefined
}

type Headers = Record<string, string>

export interface Calls {
  /** Its DPoP key, and one that is nobody's. */
  key: DpopKey
  otherKey: DpopKey
  /** The URL of one, by its name in the metadata. */
  endpoint(name: string): string
  resourceUrl: string
  post(endpoint: string, fields: Fields, how?: How): Promise<Answer>
  /** The same to the token endpoint, with a proof where tokens are bound by one. */
  token(fields: Fields, how?: How): Promise<Answer>
  /** A proof for an endpoint by its name, or for the resource. */
  prove(target: string, proof?: Proof & { by?: DpopKey }): Promise<string>
  /** The headers of a good request for the resource. */
  authorization(token: string): Promise<Headers>
  /** Asks the protected resource; `headers` are instead of those. */
  resource(token: string, headers?: Headers, how?: { as?: Fapi2Client }): Promise<Answer>
}

export async function createCalls(
  { provider, metadata }: Suite,
  variant: Variant,
  client: Fapi2Client,
): Promise<Calls> {
  const [key, otherKey] = [await createDpopKey(provider), await createDpopKey(provider)]
  const aliases = (metadata['mtls_endpoint_aliases'] ?? {}) as Record<string, string>

  function endpoint(name: string): string {
    const member = `${name}_endpoint`
    return (variant.usesCertificates ? aliases[member] : undefined) ?? String(metadata[member])
  }
  const resourceUrl = variant.resource ?? endpoint('userinfo')

  const calls: Calls = {
    key,
    otherKey,
    endpoint,
    resourceUrl,

    async post(name, fields, { as = client, assertion, dpop } = {}) {
      const response = await as.fetch(endpoint(name), {
        method: 'POST',
        headers: dpop === undefined ? {} : { dpop },
        body: encode({ ...(await as.identity(assertion)), ...fields }),
      })
      return toAnswer(response)
    },

    async token(fields, how) {
      const proof = variant.binding === 'dpop' ? await calls.prove('token') : undefined
      return calls.post('token', fields, { dpop: proof, ...how })
    },

    prove(target, { by = key, ...proof } = {}) {
      const isResource = target === 'resource'
      const url = isResource ? resourceUrl : endpoint(target)
      return by.prove(isResource ? 'GET ' : 'POST ', { url, ...proof })
    },

    async authorization(token) {
      if (variant.binding === 'mtls') return { authorization: `Bearer ${token}` }
      return { authorization: `DPoP ${token}`, dpop: await calls.prove('resource', { token }) }
    },

    async resource(token, headers, { as = client } = {}) {
      const shown = headers ?? (await calls.authorization(token))
      return toAnswer(await as.fetch(resourceUrl, { headers: shown }))
    },
  }
  return calls
}

async function toAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response
  const text = await response.text()
  const isJson = /^application\/json\b/.test(headers.get('content-type') ?? '')
  return { status, headers, body: isJson ? JSON.parse(text) : {} }
}
