/** What doctor reads of how clients come to this server, and how it comes to them. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { readAuthorities } from '../client-auth/authorities.ts'
import type { Config } from '../config.ts'
import { isLoopback } from '../config/parsers.ts'
import { createFindDestination } from '../http/outgoing-address.ts'
import { createTrust } from '../http/outgoing.ts'
import { createNetworks, isWithin } from '../http/special-use.ts'
import { Refusal } from '../protocol/refusal.ts'
import { isAnswering } from './doctor-port.ts'
import type { Findings, Problem } from './doctor.ts'
import type { ClientUri } from './store.ts'
import { localTime } from './time.ts'

const metadataService = '169.254.169.254' // of most clouds: who reaches it may take the machine's own credentials
const namedAtMost = 10

export async function examineClients(config: Config): Promise<Findings> {
  const { host, mtlsPort, clientCertHeader, registration, clientIdMetadataDocuments } = config
  const answers = mtlsPort !== undefined && (await isAnswering(host, mtlsPort))
  const strangers = [
    config.signUp && 'people create accounts, with email addresses that nobody has verified',
    registration !== 'off' &&
      `clients register themselves${registration === 'token' ? ' by an initial access token' : ''}`,
    clientIdMetadataDocuments && 'clients are named by the URL of their document',
  ].filter((sentence) => sentence !== false)
  return {
    document: {
      client_certificates: { port: mtlsPort ?? null, answers, header: clientCertHeader ?? null },
      strangers: {
        sign_up: config.signUp,
        registration,
        client_id_metadata_documents: clientIdMetadataDocuments,
      },
    },
    rows: [
      ['certificates', describeCertificates(config, answers)],
      ['strangers', strangers.join('; ') || 'make neither accounts nor clients'],
    ],
    problems: [...(await findAuthorityProblems(config)), ...findNetworkProblems(config)],
  }
}

function describeCertificates({ mtlsPort, clientCertHeader }: Config, answers: boolean): string {
  const ways = [
    mtlsPort !== undefined &&
      `on port ${mtlsPort}; ${answers ? 'something answers there' : 'nothing answers there now'}`,
    clientCertHeader !== undefined && `in the header ${clientCertHeader} of the trusted proxies`,
  ].filter((way) => way !== false)
  return ways.length === 0 ? 'of clients are not taken' : `of clients: ${ways.join('; ')}`
}

async function findAuthorityProblems(config: Config): Promise<Problem[]> {
  const files: [variable: string, file: string | undefined, read: (pem: string) => unknown][] = [
    ['CLAVIGER_TLS_CLIENT_CA_FILE', config.clientCaFile, readAuthorities],
    ['CLAVIGER_OUTGOING_CA_FILE', config.outgoingCaFile, () => createTrust(config.outgoingCaFile)],
  ]
  const faults: string[] = []
  for (const [variable, file, read] of files)
    if (file !== undefined) faults.push(...(await findFileFaults(variable, file, read)))
  return faults.map((message) => ({ code: 'authorities', message }))
}

async function findFileFaults(
  variable: string,
  file: string,
  read: (pem: string) => unknown,
): Promise<string[]> {
  try {
    const pem = await readFile(file, 'utf8')
    read(pem)
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    return blocks
      .map((block) => new X509Certificate(block))
      .filter(({ validTo }) => new Date(validTo) < new Date())
      .map(({ subject, validTo }) => {
        const name = subject.replaceAll('\n', ', ')
        return `${variable} has an authority, ${name}, that expired on ${localTime(new Date(validTo))}. Replace it.`
      })
  } catch (error) {
    if (error instanceof Refusal) return [error.message]
    const reason = error instanceof Error ? error.message : String(error)
    return [`${variable} cannot be used (${reason}). Write certificates in PEM.`]
  }
}

/** Where strangers may name what this server fetches. */
function findNetworkProblems(config: Config): Problem[] {
  const { registration, clientIdMetadataDocuments, outgoingAllowedNetworks, issuer } = config
  if (registration === 'off' && !clientIdMetadataDocuments) return []
  const allowed = createNetworks(outgoingAllowedNetworks)
  const exposed = [
    isWithin(allowed, metadataService) && `the metadata service of a cloud (${metadataService})`,
    !isLoopback(issuer) && isWithin(allowed, '127.0.0.1') && 'this machine itself (loopback)',
  ].filter((place) => place !== false)
  if (exposed.length === 0) return []
  const message = `Strangers may name addresses that this server then asks, and CLAVIGER_OUTGOING_ALLOWED_NETWORKS lets it ask ${exposed.join(' and ')}. Name only the networks of your own applications.`
  return [{ code: 'outgoing_networks', message }]
}

/** What clients need that the settings no longer give. */
export function findCertificateProblems(
  { mtlsPort, clientCertHeader }: Config,
  clientIds: readonly string[],
): Problem[] {
  if (clientIds.length === 0 || mtlsPort !== undefined || clientCertHeader !== undefined) return []
  const message = `These clients are refused, as their certificates are not taken: ${clientIds.join(', ')}. Set CLAVIGER_MTLS_PORT or CLAVIGER_CLIENT_CERT_HEADER, or change the clients.`
  return [{ code: 'client_certificates', message }]
}

/** What registered clients want to be asked or told at addresses where this server does not go. */
export async function findUnreachable(
  { outgoingAllowedNetworks, insecureHttp }: Config,
  uris: readonly ClientUri[],
): Promise<Problem[]> {
  const find = createFindDestination({ allowedNetworks: outgoingAllowedNetworks, insecureHttp })
  const refused = await Promise.all(
    uris.map(async ({ clientId, member, uri }) => {
      const found = await find(uri)
      const isForbidden = 'failure' in found && !found.failure.startsWith('no address')
      return isForbidden ? [`the ${member} of ${clientId} (${found.failure})`] : []
    }),
  )
  const named = refused.flat()
  if (named.length === 0) return []
  const more = named.length > namedAtMost ? `, and ${named.length - namedAtMost} more` : ''
  const message = `This server does not go where clients want to be asked or told: ${named.slice(0, namedAtMost).join(', ')}${more}. Name their networks in CLAVIGER_OUTGOING_ALLOWED_NETWORKS, or change the clients.`
  return [{ code: 'outgoing', message }]
}
