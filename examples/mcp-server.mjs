// An MCP server over Streamable HTTP: its tools are for people who signed in, and adding a note takes a scope of its own, that
// the client asks for when it is needed. docs/mcp.md tells how MCP clients find their way here.
//
//   echo '{"resource": "http://localhost:4002/mcp", "name": "Notes", "scopes": ["notes:read", "notes:write"]}' | npx claviger resources create --file -
//   echo '{"client_id": "notes-server", "client_secret": "a-secret-of-at-least-thirty-two-characters",
//     "grant_types": ["client_credentials"], "scope": "revocations"}' | npx claviger clients create --file -
//   CLIENT_SECRET=a-secret-of-at-least-thirty-two-characters node examples/mcp-server.mjs
import { createVerifier } from '@claviger/verifier'
import { requireToken, serveMetadata } from '@claviger/verifier/express'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server'
import express from 'express'
import { z } from 'zod'

const port = Number(process.env.PORT ?? 4002)
const resource = `http://localhost:${port}/mcp`
const verifier = createVerifier({
  issuer: process.env.ISSUER ?? 'http://localhost:3000',
  audience: resource,
  revocations: { clientId: 'notes-server', clientSecret: process.env.CLIENT_SECRET },
})
await verifier.ready()

const notesOf = new Map()
const text = (lines) => ({ content: [{ type: 'text', text: lines.join('\n') }] })

const handler = createMcpHandler(({ authInfo }) => {
  const { sub } = authInfo.extra
  const notes = notesOf.get(sub) ?? []
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('list_notes', { description: 'Lists your notes.' }, () => text(notes))
  server.registerTool(
    'add_note',
    {
      description: 'Adds a note to yours.',
      inputSchema: z.object({ note: z.string().max(1000) }),
      scopeChallenge: requireScopes('notes:read', 'notes:write'),
    },
    ({ note }) => {
      notes.push(note)
      notesOf.set(sub, notes)
      return text(['Added.'])
    },
  )
  return server
})

/** What the SDK wants to know of a token that was verified. */
function toAuthInfo(request, response, next) {
  const { client_id: clientId, scope = '', exp, sub } = request.auth.claims
  const token = request.headers.authorization.split(' ')[1]
  const scopes = scope.split(' ')
  request.auth = {
    token,
    clientId,
    scopes,
    expiresAt: exp,
    resource: new URL(resource),
    extra: { sub },
  }
  next()
}

const app = express()
app.use(serveMetadata(verifier, { resource, metadata: { scopes_supported: ['notes:read'] } }))
app.all(
  '/mcp',
  requireToken(verifier, { resource, scopes: ['notes:read'] }),
  toAuthInfo,
  toNodeHandler(handler),
)

const server = app.listen(port, 'localhost', () => {
  console.log(`Notes are served at ${resource}`)
})
process.once('SIGTERM', () => {
  verifier.close()
  server.close()
  server.closeAllConnections()
})
