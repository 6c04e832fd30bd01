/** Markup of the start page: who is signed in, their applications, and where the machines' documents are. */
import { ClientLogo, type ClientView } from './client-view.tsx'
import { Foreign, HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export interface HomePageProps {
  site: Site
  discoveryUrl: string
  /** Who is signed in, and the form that signs out. */
  session?: HomeSession | undefined
  applications?: readonly Application[]
  /** Where signing in without an application starts. */
  signInUrl?: string | undefined
}

export interface HomeSession {
  /** An email address or username. */
  account: string
  signOutAction: string
  csrf: string
}

export interface Application {
  client: ClientView
  /** Where a sign-in to it starts. */
  url: string
}

export function HomePage(props: HomePageProps) {
  const { site, discoveryUrl, session, applications = [], signInUrl } = props
  return (
    <Layout site={site} title="Home">
      <div class="intro">
        <img class="logo" src={site.icon} alt="" width="64" height="64" />
        <h1>{session ? 'You are signed in' : 'Welcome'}</h1>
        <p>
          {session ? (
            <>
              as{' '}
              <strong>
                <Foreign>{session.account}</Foreign>
              </strong>
            </>
          ) : (
            'This service signs people in to their apps. Open an app to begin.'
          )}
        </p>
      </div>
      {applications.length > 0 && (
        <nav class="applications" aria-labelledby="applications">
          <h2 id="applications">Your applications</h2>
          <ul>
            {applications.map(({ client, url }) => (
              <li>
                <a href={url} rel="noreferrer">
                  <ClientLogo client={client} />
                  <Foreign>{client.name}</Foreign>
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      {session && (
        <form method="post" action={session.signOutAction}>
          <HiddenFields fields={[['csrf', session.csrf]]} />
          <button id="sign-out" type="submit">
            Sign out
          </button>
        </form>
      )}
      {!session && signInUrl && (
        <a id="sign-in" class="button primary" href={signInUrl}>
          Sign in
        </a>
      )}
      <section class="details" aria-labelledby="details">
        <h2 id="details">For developers</h2>
        <ul>
          <li>
            Issuer <code>{site.issuer}</code>
          </li>
          <li>
            <a href={discoveryUrl}>OpenID Connect discovery document</a>
          </li>
        </ul>
      </section>
    </Layout>
  )
}
