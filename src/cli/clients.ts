/** claviger clients: the applications that may ask for tokens. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Client, WrittenClient } from '../clients/registry.ts'
import { Refusal } from '../protocol/refusal.ts'
import type { Registrar } from '../registration/registrar-store.ts'
import { addEndingCommands } from './clients-end.ts'
import { addCommand, addNoun } from './command.ts'
import { readJson } from './input.ts'
import { describeMembers, print, table, warn, type Format } from './output.ts'
import { describeRegisteredBy, registeredBy } from './registered-by.ts'
import { withServices } from './with-database.ts'

const fileOption = ['--file <file>', 'RFC 7591 metadata as a JSON object; - is stdin'] as const

export function addClients(program: CommandUnknownOpts): void {
  const clients = addNoun(program, 'clients', {
    description: 'the applications that may ask for tokens',
    examples: [
      'claviger clients create --file client.json',
      'claviger clients list',
      'claviger clients rotate-secret my-app',
      'claviger clients revoke my-app --reason "secret in a public repository"',
    ],
  })
  addCreate(clients)

  addCommand(clients, 'list', {
    description: 'list all clients',
    examples: ['claviger clients list', 'claviger clients list --json'],
  }).action((format) =>
    withServices(async ({ clients: registry, registrars }) => {
      const { toClientInformation } = await import('../clients/registration.ts')
      const [all, known] = [await registry.list(), await registrars.listRegistrars()]
      const document = {
        clients: all.map((client) => ({
          ...toClientInformation(client),
          registered_by: registeredBy(client, known.get(client.clientId)),
        })),
      }
      await print(format, document, () =>
        all.length === 0
          ? 'No clients. Type: claviger clients create --file client.json'
          : table(
              ['client_id', 'name', 'authenticates by', 'grants', 'registered by'],
              all.map((client) => toRow(client, known.get(client.clientId))),
            ),
      )
    }),
  )

  addCommand(clients, 'show <client_id>', {
    description: 'show the metadata of a client',
    examples: ['claviger clients show my-app', 'claviger clients show my-app --json > my-app.json'],
  }).action((clientId, format) =>
    withServices(async ({ clients: registry, registrars }) => {
      const client = await registry.find(clientId)
      if (!client)
        throw new Refusal(
          `No client has the client_id ${JSON.stringify(clientId)}. Type: claviger clients list`,
        )
      const { toClientInformation } = await import('../clients/registration.ts')
      const registrar = (await registrars.listRegistrars(clientId)).get(clientId)
      const document = {
        ...toClientInformation(client),
        registered_by: registeredBy(client, registrar),
      }
      const name = registrar?.tokenName === undefined ? '' : ` (${registrar.tokenName})`
      await print(format, document, () =>
        describeMembers({ ...document, registered_by: document.registered_by + name }),
      )
    }),
  )

  addCommand(clients, 'update <client_id>', {
    description: 'change a client: given members replace, null removes, all others stay',
    examples: [
      'claviger clients update my-app --file changes.json',
      `echo '{"skip_consent": true}' | claviger clients update my-app --file -`,
    ],
  })
    .requiredOption(...fileOption)
    .action(async (clientId, { file, ...format }) => {
      const input = await readJson(file)
      await withServices(async ({ clients: registry }) =>
        printClient(format, await registry.update(clientId, input), `Updated ${clientId}.`),
      )
    })

  addCommand(clients, 'rotate-secret <client_id>', {
    description: 'make a new secret and show it once; the former one stops working at once',
    examples: ['claviger clients rotate-secret my-app'],
  }).action((clientId, format) =>
    withServices(async ({ clients: registry }) =>
      printClient(
        format,
        await registry.rotateSecret(clientId),
        `The client ${clientId} has a new secret; the former one works no more.`,
      ),
    ),
  )

  addEndingCommands(clients)
}

function addCreate(clients: CommandUnknownOpts): void {
  addCommand(clients, 'create', {
    description: 'create a client; its secret is shown once',
    examples: [
      'claviger clients create --file client.json',
      `echo '{"redirect_uris": ["https://app.example.com/callback"]}' | claviger clients create --file -`,
    ],
    notes: [
      'client.json may also give a client_id and a client_secret. For an app that cannot keep a secret:',
      '{"client_name": "My app", "redirect_uris": ["https://app.example.com/callback"],',
      ' "token_endpoint_auth_method": "none"}',
    ],
  })
    .requiredOption(...fileOption)
    .action(async ({ file, ...format }) => {
      const input = await readJson(file)
      await withServices(async ({ clients: registry }, { config }) => {
        const written = await registry.create(input)
        const { clientId } = written.client
        await printClient(format, written, `Created ${clientId} for the issuer ${config.issuer}`)
      })
    })
}

async function printClient(
  format: Format,
  { client, clientSecret, warnings }: WrittenClient,
  headline: string,
): Promise<void> {
  const { toClientInformation } = await import('../clients/registration.ts')
  const document = toClientInformation(client, clientSecret)
  await print(format, document, () =>
    [
      headline,
      '',
      describeMembers(document),
      ...(clientSecret === undefined
        ? []
        : ['', 'Keep the client_secret now: it is not shown again.']),
    ].join('\n'),
  )
  warnings.forEach(warn)
}

function toRow(client: Client, registrar: Registrar | undefined): string[] {
  const { clientId, metadata } = client
  return [
    clientId,
    metadata.client_name ?? '',
    metadata.token_endpoint_auth_method,
    metadata.grant_types.join(' '),
    describeRegisteredBy(client, registrar),
  ]
}
