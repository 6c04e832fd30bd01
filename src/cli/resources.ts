/** claviger resources: the APIs that tokens can be asked for (RFC 8707). */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import type { Resource } from '../clients/resources-store.ts'
import { Refusal } from '../protocol/refusal.ts'
import { addCommand, addNoun } from './command.ts'
import { readJson } from './input.ts'
import { describeMembers, print, table, type Format } from './output.ts'
import { span } from './time.ts'
import { withServices } from './with-database.ts'

const fileOption = ['--file <file>', 'the resource as a JSON object; - is stdin'] as const

export function addResources(program: CommandUnknownOpts): void {
  const resources = addNoun(program, 'resources', {
    description: 'the APIs that tokens can be asked for',
    examples: [
      'claviger resources create --file resource.json',
      'claviger resources show https://api.example.com',
    ],
  })

  addCommand(resources, 'create', {
    description: 'create a resource',
    examples: ['claviger resources create --file resource.json'],
    notes: [
      'resource.json: {"resource": "https://api.example.com", "name": "Orders"} and, if wanted,',
      ' "scopes": ["orders.read"], "access_token_ttl_seconds": 300,',
      ' "access_token_signed_response_alg": "ES256"',
    ],
  })
    .requiredOption(...fileOption)
    .action(async ({ file, ...format }) => {
      const input = await readJson(file)
      await withServices(async ({ resources: registry }) => {
        const created = await registry.create(input)
        await printResource(
          format,
          created,
          `Created. Clients ask for its tokens with resource=${created.resource}`,
        )
      })
    })

  addCommand(resources, 'list', {
    description: 'list all resources',
    examples: ['claviger resources list', 'claviger resources list --json'],
  }).action((format) =>
    withServices(async ({ resources: registry }) => {
      const { toDescription } = await import('../clients/resources.ts')
      const all = await registry.list()
      await print(format, { resources: all.map(toDescription) }, () =>
        all.length === 0
          ? 'No resources. Type: claviger resources create --file resource.json'
          : table(['resource', 'name', 'scopes', 'token lifetime', 'algorithm'], all.map(toRow)),
      )
    }),
  )

  addCommand(resources, 'show <resource>', {
    description: 'show a resource',
    examples: ['claviger resources show https://api.example.com'],
  }).action((uri, format) =>
    withServices(async ({ resources: registry }) => {
      const resource = await registry.find(uri)
      if (!resource)
        throw new Refusal(
          `There is no resource ${JSON.stringify(uri)}. Type: claviger resources list`,
        )
      await printResource(format, resource)
    }),
  )

  addCommand(resources, 'update <resource>', {
    description: 'change a resource: given members replace, null removes, all others stay',
    examples: [
      `echo '{"access_token_ttl_seconds": 120}' | claviger resources update https://api.example.com --file -`,
    ],
  })
    .requiredOption(...fileOption)
    .action(async (uri, { file, ...format }) => {
      const input = await readJson(file)
      await withServices(async ({ resources: registry }) =>
        printResource(format, await registry.update(uri, input), `Updated ${uri}`),
      )
    })

  addCommand(resources, 'delete <resource>', {
    description: 'delete a resource: no more tokens for it',
    examples: ['claviger resources delete https://api.example.com'],
  }).action((uri, format) =>
    withServices(async ({ resources: registry, longestTokenSeconds }) => {
      const longest = span(await longestTokenSeconds())
      await registry.delete(uri)
      await print(
        format,
        { resource: uri, deleted: true },
        () => `Deleted ${uri}. Access tokens for it expire within ${longest}.`,
      )
    }),
  )
}

async function printResource(format: Format, resource: Resource, headline?: string): Promise<void> {
  const { toDescription } = await import('../clients/resources.ts')
  const document = toDescription(resource)
  await print(format, document, () =>
    [...(headline === undefined ? [] : [headline, '']), describeMembers(document)].join('\n'),
  )
}

function toRow(resource: Resource): string[] {
  const { scopes, accessTokenTtlSeconds: ttlSeconds } = resource
  return [
    resource.resource,
    resource.name,
    scopes?.join(' ') ?? 'all',
    ttlSeconds === undefined ? 'default' : span(ttlSeconds),
    resource.accessTokenSignedResponseAlg ?? "the client's",
  ]
}
