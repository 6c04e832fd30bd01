/** The package as others install it: packed, unpacked into an empty project beside jose, and nothing else. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../../', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')

const project = await mkdtemp(join(tmpdir(), 'claviger-verifier-'))
t.teardown(() => rm(project, { recursive: true }))
const installed = join(project, 'node_modules/@claviger/verifier')

t.before(async () => {
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--offline', `--pack-destination=${project}`],
    { cwd: join(root, 'src/verifier') },
  )
  const tarball = /"filename": "([^"]+)"/.exec(stdout)![1]!
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', join(project, tarball), '--strip-components=1', '-C', installed])
  await cp(join(root, 'node_modules/jose'), join(project, 'node_modules/jose'), { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
})

/** Lends packages to the project for as long as a test lasts. */
async function lend(packages: readonly string[]): Promise<() => Promise<void>> {
  const paths = packages.map((name) => join(project, 'node_modules', name))
  for (const [index, path] of paths.entries()) {
    await mkdir(dirname(path), { recursive: true })
    await symlink(join(root, 'node_modules', packages[index]!), path)
  }
  return async () => {
    for (const path of paths) await rm(path)
  }
}

/** What the compiler finds wrong. */
async function check(files: readonly string[], options: readonly string[]): Promise<string> {
  const always = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023']
  try {
    await run(process.execPath, [tsc, ...always, ...options, ...files], { cwd: project })
    return ''
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

async function checkSource(source: string, options: readonly string[]): Promise<string> {
  await writeFile(join(project, 'index.ts'), source)
  return check(['index.ts'], ['--exactOptionalPropertyTypes', ...options])
}

t.test('it holds what it runs on, and says how to use it', async (t) => {
  const files = await readdir(installed, { recursive: true })
  for (const file of ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'])
    t.ok(files.includes(file), file)
  t.strictSame(
    files.filter((file) => !/^dist\/[a-z-]+(\.d\.ts|\.js)$/.test(file)).toSorted(),
    ['LICENSE', 'README.md', 'dist', 'package.json'],
    'nothing else',
  )
  const sources = (await readdir(join(root, 'src/verifier'))).filter((file) => file.endsWith('.ts'))
  const compiled = files.filter((file) => file.endsWith('.js'))
  t.equal(compiled.length, sources.length, 'no file of an earlier build')
})

t.test('the main entry reaches jose and nothing of Node, so that it runs anywhere', async (t) => {
  const seen = new Set<string>()
  const outside = new Set<string>()
  const follow = async (path: string): Promise<void> => {
    if (seen.has(path)) return
    seen.add(path)
    const text = await readFile(path, 'utf8')
    for (const [, specifier] of text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g))
      if (specifier!.startsWith('.')) await follow(join(dirname(path), specifier!))
      else outside.add(specifier!)
  }
  await follow(join(installed, 'dist/index.js'))
  t.strictSame([...outside], ['jose'])
  for (const adapter of ['express', 'fastify']) {
    outside.clear()
    await follow(join(installed, `dist/${adapter}.js`))
    t.strictSame(
      [...outside].filter((name) => name !== 'jose'),
      [],
      `nor does ${adapter}`,
    )
  }
})

t.test('it verifies a token in an empty project', async (t) => {
  const program = `
    import { exportJWK, generateKeyPair, SignJWT } from 'jose'
    import { authenticate, createVerifier, toResponse } from '@claviger/verifier'
    import { requireToken } from '@claviger/verifier/express'
    import plugin from '@claviger/verifier/fastify'

    const issuer = 'https://issuer.example'
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'K', alg: 'ES256' }
    const documents = {
      '/.well-known/openid-configuration': { issuer, jwks_uri: issuer + '/jwks' },
      '/jwks': { keys: [jwk] },
    }
    const verifier = createVerifier({
      issuer,
      audience: 'https://api.example',
      revocations: 'off',
      fetch: async (url) => Response.json(documents[new URL(url).pathname]),
    })
    const token = await new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'K' })
      .setIssuer(issuer).setAudience('https://api.example').setExpirationTime('5m').sign(privateKey)
    const request = (token) =>
      new Request('https://api.example/', { headers: { authorization: 'Bearer ' + token } })
    const { sub } = await authenticate(request(token), verifier)
    const refusal = await authenticate(request(token + 'x'), verifier).catch(toResponse)
    console.log(sub, refusal.status, typeof requireToken(verifier), typeof plugin)
    verifier.close()
  `
  await writeFile(join(project, 'index.js'), program)
  const said = 'alice 401 function function\n'
  const { stdout } = await run(process.execPath, ['index.js'], { cwd: project })
  t.equal(stdout, said)
  const bare = 'data:text/javascript,delete globalThis.process'
  const elsewhere = await run(process.execPath, ['--import', bare, 'index.js'], { cwd: project })
  t.equal(elsewhere.stdout, said, 'by Web Crypto, where there is no Node')
})

const serviceSource = `
  import { authenticate, createVerifier, VerificationError, type VerifiedToken } from '@claviger/verifier'

  const verifier = createVerifier({
    issuer: 'https://issuer.example',
    audience: ['https://api.example'],
    revocations: { clientId: 'api', clientSecret: 'secret' },
    dpop: { windowSeconds: 30 },
    onEvent: ({ type, code }) => void [type, code],
  })
  const { claims }: VerifiedToken = await verifier.verify('token', { scopes: ['orders:read'] })
  const subject: string | undefined = claims.sub
  // @ts-expect-error -- a claim may be anything
  const roles: string[] = claims['roles']
  // @ts-expect-error -- revocations must be said
  createVerifier({ issuer: 'https://issuer.example', audience: 'https://api.example' })
  try {
    await authenticate(new Request('https://api.example'), verifier)
  } catch (error) {
    if (error instanceof VerificationError && error.code === 'token_expired') console.log(subject, roles)
  }
`

t.test('its types need the runtime of a browser or of Node, and no more', async (t) => {
  t.equal(await checkSource(serviceSource, ['--types', '', '--lib', 'es2023,dom']), '', 'DOM')
  const giveBack = await lend(['@types/node', 'undici-types'])
  t.equal(await checkSource(serviceSource, ['--types', 'node', '--lib', 'es2023']), '', 'Node')
  await giveBack()
})

t.test('its types fit those of Express and Fastify', async (t) => {
  const giveBack = await lend(['@types/express', '@types/node', 'fastify'])
  const source = `
    import express from 'express'
    import fastify from 'fastify'
    import { createVerifier } from '@claviger/verifier'
    import { requireToken, serveMetadata } from '@claviger/verifier/express'
    import verifierPlugin from '@claviger/verifier/fastify'

    const verifier = createVerifier({ issuer: 'https://a.example', audience: 'b', revocations: 'off' })

    const api = express()
    api.use(serveMetadata(verifier, { resource: 'https://api.example' }))
    api.use('/v1', requireToken(verifier, { baseUrl: 'https://api.example' }))
    api.get('/orders/:id', requireToken(verifier, { scopes: ['a'] }), (request, response) => {
      const id: string = request.params.id
      const sub: string | undefined = request.auth?.claims.sub
      response.json({ id, sub })
    })

    const app = fastify()
    await app.register(verifierPlugin, { verifier, resource: 'https://api.example' })
    const onRequest = app.requireToken({ scopes: ['a'], claims: { roles: ['admin'] } })
    app.get<{ Params: { id: string } }>('/orders/:id', { onRequest, preHandler: [onRequest] }, async (request) => {
      const sub: string | undefined = request.auth?.claims.sub
      return { id: request.params.id, sub }
    })
    app.addHook('onRequest', onRequest)
  `
  t.equal(await checkSource(source, ['--skipLibCheck', '--types', 'node', '--lib', 'es2023']), '')
  await giveBack()
})

t.test('the examples of its README compile', async (t) => {
  const readme = await readFile(join(installed, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, block]) => block!)
  t.ok(blocks.length > 5)
  await mkdir(join(project, 'readme'))
  const files = blocks.map((block, index) => {
    const name = /^\/\/ (\S+\.js)\n/.exec(block)?.[1] ?? `${index}.js`
    return { path: join('readme', name), block }
  })
  for (const { path, block } of files) await writeFile(join(project, path), block)
  const giveBack = await lend(['@types/express', '@types/node', 'fastify'])
  const options = ['--allowJs', '--checkJs', '--noImplicitAny', 'false', '--skipLibCheck']
  const paths = files.map(({ path }) => path)
  t.equal(await check(paths, [...options, '--types', 'node', '--lib', 'es2023']), '')
  await giveBack()
})
