/** Markup of the logout confirmation (OpenID Connect RP-Initiated Logout §2). */
import type { ClientView } from './client-view.tsx'
import { Foreign, HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export interface LogoutPageProps {
  site: Site
  action: string
  csrf: string
  /** The logout request's own parameters, carried through the confirmation. */
  parameters: readonly (readonly [string, string])[]
  /** Who is signed in: an email address or username. */
  account?: string | undefined
  /** The application that asks, if one does. */
  client?: ClientView | undefined
}

export function LogoutPage({ site, action, csrf, parameters, account, client }: LogoutPageProps) {
  return (
    <Layout site={site} title="Sign out">
      <div class="intro">
        <h1>Sign out?</h1>
        <p>
          {client ? (
            <>
              <strong>
                <Foreign>{client.name}</Foreign>
              </strong>{' '}
              asks to sign you out here.
            </>
          ) : (
            'Your session in this browser will end.'
          )}
          {account && (
            <>
              {' '}
              You are signed in as{' '}
              <strong>
                <Foreign>{account}</Foreign>
              </strong>
              .
            </>
          )}
        </p>
      </div>
      <form method="post" action={action}>
        <HiddenFields fields={[['csrf', csrf], ...parameters]} />
        <div class="choices">
          <button id="logout-yes" type="submit" name="decision" value="yes" class="primary">
            Sign out
          </button>
          <button id="logout-no" type="submit" name="decision" value="no">
            Stay signed in
          </button>
        </div>
      </form>
    </Layout>
  )
}
