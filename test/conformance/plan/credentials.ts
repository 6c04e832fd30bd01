/** Keys and certificates for the clients of the FAPI 2.0 plans, made anew each time. */
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { createCertificate, type Certificate } from '../../support/certificates.ts'
import {
  idsOf,
  organization,
  pairNamed,
  type AllCredentials,
  type Credentials,
  type PairName,
} from './fapi-clients.ts'

const yearMilliseconds = 365 * 24 * 60 * 60 * 1000

/** The authority is the one that issues the certificates of tls_client_auth. */
export async function createCredentials(
  pairs: readonly PairName[],
): Promise<{ credentials: AllCredentials; authority: string }> {
  const authority = createCertificate({
    subject: [[['CN', `${organization} authority`]]],
    isAuthority: true,
    validTo: new Date(Date.now() + yearMilliseconds),
  })
  const each = pairs.flatMap((pair) =>
    idsOf(pair).map(
      async (id) => [id, await credentialsOf(id, pairNamed(pair), authority)] as const,
    ),
  )
  return { credentials: new Map(await Promise.all(each)), authority: authority.cert }
}

async function credentialsOf(
  clientId: string,
  { auth, binding }: ReturnType<typeof pairNamed>,
  authority: Certificate,
): Promise<Credentials> {
  const certificate = () =>
    createCertificate({
      subject: [[['O', organization]], [['CN', clientId]]],
      validTo: new Date(Date.now() + yearMilliseconds),
      ...(auth === 'tls_client_auth' && { issuer: authority }),
    })
  return {
    key: await createKey(clientId),
    certificate: binding === 'mtls' ? certificate() : undefined,
  }
}

/** FAPI 2.0 Security Profile §5.4: PS256, ES256 or EdDSA; of these the suite can use an RSA key for RS256 as well. */
async function createKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('PS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'PS256', use: 'sig' }
}
