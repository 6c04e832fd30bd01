/** claviger gateway: checks tokens for services that cannot do it themselves, behind their proxy. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { loadConfig } from '../config.ts'
import { addCommand } from './command.ts'
import { readJson } from './input.ts'

export function addGateway(program: CommandUnknownOpts): void {
  addCommand(program, 'gateway', {
    description: 'answer a proxy whether a request may pass: nginx, Traefik, Caddy, Envoy',
    examples: ['claviger gateway --file gateway.json'],
    notes: ['docs/gateway.md has the settings, and what to write into each proxy.'],
  })
    .requiredOption('--file <file>', 'the settings, as a JSON object; - is standard input')
    .action(async ({ file }) => {
      const { readGatewaySettings } = await import('../gateway/settings.ts')
      const { serveGateway } = await import('../gateway/server.ts')
      await serveGateway(readGatewaySettings(await readJson(file)), loadConfig().logLevel)
    })
}
