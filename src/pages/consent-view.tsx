/** Markup of the consent page: what an application would get, in plain words. */
import type { JsonObject } from '../protocol/json.ts'
import { ClientLinks, ClientLogo } from './client-view.tsx'
import type { ClientView } from './client-view.tsx'
import { grantedItems, type GrantedItem } from './consent-words.ts'
import { DetailItem } from './details-view.tsx'
import { Icon } from './icons.tsx'
import { Foreign, HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

/** What an application would get. */
interface Granting {
  client: ClientView
  scopes: readonly string[]
  /** Asked for one by one, beside those of the scopes. */
  claims?: readonly string[]
  resources: readonly ConsentResource[]
  authorizationDetails?: readonly JsonObject[]
}

export interface ConsentPageProps extends Granting {
  site: Site
  action: string
  csrf: string
  request: string
  /** Where the answer goes, as `redirectTarget` of the redirect URI tells it. */
  redirectHost: string
  /** Who is signed in: an email address or username. */
  account: string
  /** Whether an allowance is kept for the next time. */
  isRemembered: boolean
}

export interface ConsentResource {
  /** The URI that the token is for (RFC 8707), and the name registered with it. */
  resource: string
  name: string
}

export function ConsentPage(props: ConsentPageProps) {
  const { site, action, csrf, request, client, redirectHost, account } = props
  const name = <Foreign>{client.name}</Foreign>
  return (
    <Layout site={site} title={`Allow access to ${client.name}`}>
      <div class="intro">
        <ClientLogo client={client} />
        <h1>Allow access?</h1>
        <p>
          <strong>{name}</strong> asks for access to your account.
        </p>
      </div>
      <ul class="facts">
        <SignedInAs account={account} />
        {client.publisher !== undefined && (
          <li>
            <Icon name="server" />
            <span>
              Known to us only by the word of <strong>{client.publisher}</strong>
            </span>
          </li>
        )}
        <li>
          <Icon name="arrow" />
          <span>
            Takes you back to <strong>{redirectHost}</strong>
          </span>
        </li>
        {client.publisher !== undefined && !props.isRemembered && (
          <li>
            <Icon name="alert" />
            <span>
              Any app on this device can pretend to be this one. Allow it only if you have just
              started it yourself.
            </span>
          </li>
        )}
      </ul>
      <Grants {...props} />
      <form method="post" action={action}>
        <HiddenFields
          fields={[
            ['csrf', csrf],
            ['request', request],
          ]}
        />
        <p class="note">
          {props.isRemembered
            ? 'We remember this choice, and ask again only when the app wants more.'
            : 'We will ask you again next time.'}
        </p>
        <AllowOrCancel />
      </form>
      <ClientLinks client={client} />
    </Layout>
  )
}

export function SignedInAs({ account }: { account: string }) {
  return (
    <li>
      <Icon name="person" />
      <span>
        Signed in as{' '}
        <strong>
          <Foreign>{account}</Foreign>
        </strong>
      </span>
    </li>
  )
}

export function AllowOrCancel() {
  return (
    <div class="choices">
      <button id="approve" type="submit" name="decision" value="allow" class="primary">
        Allow
      </button>
      <button id="deny" type="submit" name="decision" value="deny">
        Cancel
      </button>
    </div>
  )
}

export function Grants({
  client,
  scopes,
  claims = [],
  resources,
  authorizationDetails = [],
}: Granting) {
  return (
    <>
      <h2 id="grants">
        <Foreign>{client.name}</Foreign> will be able to:
      </h2>
      <ul class="grants" aria-labelledby="grants">
        {grantedItems({ scopes, claims }).map((item) => (
          <Granted item={item} />
        ))}
        {resources.map((resource) => (
          <li>
            <Icon name="server" />
            <div>
              Use{' '}
              <strong>
                <Foreign>{resource.name}</Foreign>
              </strong>{' '}
              on your behalf
              <small>{resource.resource}</small>
            </div>
          </li>
        ))}
        {authorizationDetails.map((detail) => (
          <DetailItem detail={detail} />
        ))}
      </ul>
    </>
  )
}

function Granted({ item: { icon, title, name, detail } }: { item: GrantedItem }) {
  return (
    <li>
      <Icon name={icon} />
      <div>
        {title}
        {name !== undefined && (
          <>
            {' '}
            <code>{name}</code>
          </>
        )}
        {detail && <small>{detail}</small>}
      </div>
    </li>
  )
}
