/** Markup of the page on which a person chooses to go on as they are signed in, or as somebody else. */
import { ClientIntro, ClientLinks } from './client-view.tsx'
import type { ClientView } from './client-view.tsx'
import { Foreign, HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export interface SelectAccountPageProps {
  site: Site
  action: string
  csrf: string
  request: string
  client: ClientView
  /** Who is signed in: an email address or username. */
  account: string
}

export function SelectAccountPage(props: SelectAccountPageProps) {
  const { site, action, csrf, request, client, account } = props
  return (
    <Layout site={site} title={`Choose an account for ${client.name}`}>
      <ClientIntro heading="Choose an account" client={client} />
      <form method="post" action={action}>
        <HiddenFields
          fields={[
            ['csrf', csrf],
            ['request', request],
          ]}
        />
        <div class="choices stacked">
          <button id="continue" type="submit" name="account" value="this" class="primary">
            Continue as <Foreign>{account}</Foreign>
          </button>
          <button id="another" type="submit" name="account" value="another">
            Use another account
          </button>
        </div>
      </form>
      <ClientLinks client={client} />
    </Layout>
  )
}
