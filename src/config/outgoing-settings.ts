/** The settings of what this server fetches from clients and sends to them. */
import * as read from './parsers.ts'
import type { Setting } from './setting.ts'

export const outgoingSettings = {
  outgoingAllowedNetworks: {
    variable: 'CLAVIGER_OUTGOING_ALLOWED_NETWORKS',
    parse: read.networks,
    derived: '`loopback` while `ISSUER` is loopback, otherwise `none`',
    sentence:
      'Networks that this server may send logout tokens to and fetch documents of clients from although they are private, loopback or otherwise no part of the public Internet: CIDRs separated by commas, `loopback`, or `none`.',
  },
  outgoingCaFile: {
    variable: 'CLAVIGER_OUTGOING_CA_FILE',
    parse: read.certificateFile,
    derived: 'none',
    sentence:
      'Certificate authorities (PEM) that are trusted for these requests besides the well-known ones.',
  },
  clientIdMetadataDocuments: {
    variable: 'CLAVIGER_CLIENT_ID_METADATA_DOCUMENTS',
    parse: read.onOrOff,
    default: 'off',
    sentence:
      'Whether an `https:` URL is taken as the `client_id` of the application that its document describes, without registration, as MCP clients expect.',
  },
  clientIdMetadataHosts: {
    variable: 'CLAVIGER_CLIENT_ID_METADATA_HOSTS',
    parse: read.hosts,
    derived: 'any',
    sentence: 'The only hosts of such documents, separated by commas.',
  },
} as const satisfies Record<string, Setting>
