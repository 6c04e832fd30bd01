/** Modules of the Dynamic OP plan about what a person then sees: redirect URIs, and what a client says of itself. */
import type { Run } from '../../support/suite-run.ts'
import type { Suite } from '../../support/suite.ts'
import type { Module } from '../module.ts'

/** An error page at the endpoint, and nobody is sent anywhere. */
const staysHere = (redirectUri: string | undefined) => async (run: Run) => {
  const { page, pictures } = await run.visit({ redirect_uri: redirectUri })
  run.t.ok(page.url.startsWith(`${run.suite.issuer}/authorize?`))
  run.t.equal(pictures.length, 1)
}

const showsOnLogin = (html: string) => async (run: Run) => {
  const { page, pictures } = await run.visit()
  run.t.ok(page.url.startsWith(`${run.suite.issuer}/login?`))
  run.t.ok(page.html.includes(html))
  run.t.equal(pictures.length, 1)
}

export function pageModules({ addresses: { callback } }: Suite): Module[] {
  const withQuery = `${callback}?foo=bar`
  return [
    {
      name: 'oidcc-ensure-redirect-uri-in-authorization-request',
      says: 'of two redirect URIs the request must name one',
      metadata: { redirect_uris: [callback, withQuery] },
      run: staysHere(undefined),
    },
    {
      name: 'oidcc-redirect-uri-query-OK',
      says: 'the query of a registered redirect URI comes back',
      metadata: { redirect_uris: [withQuery] },
      async run({ flow }) {
        await flow({ redirect_uri: withQuery })
      },
    },
    {
      name: 'oidcc-redirect-uri-query-mismatch',
      says: 'another query makes another redirect URI',
      metadata: { redirect_uris: [withQuery] },
      run: staysHere(`${callback}?bar=foo`),
    },
    {
      name: 'oidcc-redirect-uri-query-added',
      says: 'an added query makes another redirect URI',
      run: staysHere(withQuery),
    },
    {
      name: 'oidcc-registration-logo-uri',
      says: 'the login page shows the logo',
      metadata: { logo_uri: 'https://suite.example/logo.png' },
      run: showsOnLogin('src="https://suite.example/logo.png"'),
    },
    {
      name: 'oidcc-registration-policy-uri',
      says: 'the login page links to the policy',
      metadata: { policy_uri: 'https://suite.example/policy' },
      run: showsOnLogin('<a href="https://suite.example/policy"'),
    },
    {
      name: 'oidcc-registration-tos-uri',
      says: 'the login page links to the terms of service',
      metadata: { tos_uri: 'https://suite.example/tos' },
      run: showsOnLogin('<a href="https://suite.example/tos"'),
    },
  ]
}
