/** Markup of the consent page: what an application would get, in plain words. */
import { ClientLinks, ClientLogo } from './client-view.tsx'
import type { ClientView } from './client-view.tsx'
import { Icon } from './icons.tsx'
import type { IconName } from './icons.tsx'
import { Foreign, HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export interface ConsentPageProps {
  site: Site
  action: string
  csrf: string
  request: string
  client: ClientView
  /** Where the answer goes, as `redirectTarget` of the redirect URI tells it. */
  redirectHost: string
  /** Who is signed in: an email address or username. */
  account: string
  scopes: readonly string[]
  resources: readonly ConsentResource[]
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
        <li>
          <Icon name="person" />
          <span>
            Signed in as{' '}
            <strong>
              <Foreign>{account}</Foreign>
            </strong>
          </span>
        </li>
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
        <div class="choices">
          <button id="approve" type="submit" name="decision" value="allow" class="primary">
            Allow
          </button>
          <button id="deny" type="submit" name="decision" value="deny">
            Cancel
          </button>
        </div>
      </form>
      <ClientLinks client={client} />
    </Layout>
  )
}

/** What the application would get. */
export function Grants({
  client,
  scopes,
  resources,
}: Pick<ConsentPageProps, 'client' | 'scopes' | 'resources'>) {
  return (
    <>
      <h2 id="grants">
        <Foreign>{client.name}</Foreign> will be able to:
      </h2>
      <ul class="grants" aria-labelledby="grants">
        {scopes.map((scope) => (
          <ScopeItem scope={scope} />
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
      </ul>
    </>
  )
}

interface ScopeWords {
  icon: IconName
  title: string
  detail?: string
}

/** OpenID Connect Core §5.4 and §11. */
const scopeWords = new Map<string, ScopeWords>([
  ['openid', { icon: 'id', title: 'Recognise you', detail: 'by an identifier of your account' }],
  [
    'profile',
    { icon: 'person', title: 'See your profile', detail: 'name, picture, language and the like' },
  ],
  ['email', { icon: 'mail', title: 'See your email address' }],
  ['address', { icon: 'pin', title: 'See your postal address' }],
  ['phone', { icon: 'phone', title: 'See your phone number' }],
  [
    'offline_access',
    { icon: 'clock', title: 'Keep this access', detail: 'also while you are not using the app' },
  ],
])

function ScopeItem({ scope }: { scope: string }) {
  const words = scopeWords.get(scope)
  return (
    <li>
      <Icon name={words?.icon ?? 'key'} />
      <div>
        {words?.title ?? (
          <>
            Use the permission <code>{scope}</code>
          </>
        )}
        {words?.detail && <small>{words.detail}</small>}
      </div>
    </li>
  )
}
