/** How pages show the application that a person comes from (RFC 7591 §2: client_name, logo_uri, policy_uri, tos_uri). */
import { Foreign } from './layout.tsx'

export interface ClientView {
  /** client_name, or the client_id when it has none. */
  name: string
  /** The host whose word this all is, of a client that describes itself by a document there. */
  publisher?: string | undefined
  logoUri?: string | undefined
  policyUri?: string | undefined
  tosUri?: string | undefined
}

/** The logo lies over the first letter of the name, which shows when there is none or it does not load. */
export function ClientLogo({ client }: { client: ClientView }) {
  return (
    <span class="logo monogram" aria-hidden="true">
      <span>{firstLetter(client.name)}</span>
      {isWebUrl(client.logoUri) && <img src={client.logoUri} alt="" referrerpolicy="no-referrer" />}
    </span>
  )
}

/** What a person is about to do, and for which application, unless they came by themselves. */
export function ClientIntro({
  heading,
  client,
}: {
  heading: string
  client: ClientView | undefined
}) {
  return (
    <div class="intro">
      {client && <ClientLogo client={client} />}
      <h1>{heading}</h1>
      {client && (
        <p>
          to continue to{' '}
          <strong>
            <Foreign>{client.name}</Foreign>
          </strong>
        </p>
      )}
    </div>
  )
}

/** Links to the client's own policy and terms; nothing when it has registered none. */
export function ClientLinks({ client }: { client: ClientView }) {
  const { policyUri, tosUri } = client
  if (!isWebUrl(policyUri) && !isWebUrl(tosUri)) return null
  return (
    <p class="links">
      <span>
        About <Foreign>{client.name}</Foreign>
      </span>
      {isWebUrl(policyUri) && (
        <a href={policyUri} rel="noreferrer">
          Privacy policy
        </a>
      )}
      {isWebUrl(tosUri) && (
        <a href={tosUri} rel="noreferrer">
          Terms of service
        </a>
      )}
    </p>
  )
}

/** What a person knows the end of a redirect by: its host, or the scheme of an app on the device (RFC 8252 §7.1). */
export function redirectTarget(redirectUri: string): string {
  const { host, protocol } = new URL(redirectUri)
  return host === '' ? protocol.slice(0, -1) : host
}

/** Registration checks URLs too; a link with another scheme would run script on our origin. */
function isWebUrl(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//i.test(url)
}

function firstLetter(name: string): string {
  const [first] = new Intl.Segmenter('en').segment(name)
  return first?.segment.toUpperCase() ?? ''
}
