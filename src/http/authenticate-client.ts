/** A form that a client sends in its own name (RFC 6749 §2.3): who it is, and what the request shows of its keys. */
import type { FastifyRequest } from 'fastify'
import type { ClientAuthentication } from '../client-auth/index.ts'
import type { Client } from '../clients/registry.ts'
import type { Presented } from '../possession/possession.ts'
import type { Params } from '../protocol/params.ts'
import type { Witness } from '../watch/witness.ts'
import type { PresentedBy } from './presented-by.ts'
import { formParams } from './requests.ts'

/** Refuses a form with a parameter twice, and whatever does not authenticate. */
export type AuthenticateClient = (
  request: FastifyRequest,
  witness: Witness,
) => Promise<{ client: Client; params: Params; presented: Presented }>

export function createAuthenticateClient({
  clientAuthentication,
  presentedBy,
}: {
  clientAuthentication: ClientAuthentication
  presentedBy: PresentedBy
}): AuthenticateClient {
  return async (request, witness) => {
    const params = formParams(request).refuseDuplicates()
    const presented = presentedBy(request)
    const { client } = await clientAuthentication.authenticate({
      authorization: request.headers.authorization,
      certificate: presented.certificate,
      params,
      witness,
    })
    return { client, params, presented }
  }
}
