/** Markup of the error page: what happened, what to do, and what to tell those who run the application. */
import { Icon } from './icons.tsx'
import { Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export type ErrorKind = keyof typeof wordsOf

export interface ErrorPageProps {
  site: Site
  kind: ErrorKind
  status: number
  /** The specification's error code, and its public description. */
  code: string
  description?: string | undefined
  requestId: string
}

interface ErrorWords {
  label: string
  title: string
  message: string
  advice: string
}

const backToTheApp =
  'Go back to the app and start again. If it happens again, tell the people who run the app.'

/** `label` is stable: people and tests tell the kinds of error apart by it. */
const wordsOf = {
  'redirect-uri': {
    label: 'Redirect URI error',
    title: 'We cannot send you back to the app',
    message:
      'The app did not name a redirect URI that is registered for it. To keep your account safe, we stopped here.',
    advice: backToTheApp,
  },
  'invalid-request': {
    label: 'Invalid request',
    title: 'We could not understand this request',
    message: 'The app, or the link that led you here, sent something that we cannot accept.',
    advice: backToTheApp,
  },
  logout: {
    label: 'Logout error',
    title: 'We could not sign you out this way',
    message: 'The app sent a logout request that we cannot accept. Your session has not changed.',
    advice: 'Sign out in the app itself, or on the start page here.',
  },
  'not-found': {
    label: 'Not found',
    title: 'There is nothing here',
    message: 'The address does not lead to a page of this service.',
    advice: 'Check the address, or go back to the app you came from.',
  },
  expired: {
    label: 'Sign-in expired',
    title: 'This sign-in has expired',
    message: 'It was left open for too long, was already finished, or began in another browser.',
    advice: 'Go back to the app and sign in again.',
  },
  unavailable: {
    label: 'Unavailable',
    title: 'We are not available right now',
    message: 'This service cannot answer at the moment. Nothing is wrong with your account.',
    advice: 'Wait a minute, then reload this page.',
  },
  'server-error': {
    label: 'Server error',
    title: 'Something went wrong on our side',
    message: 'We could not finish this request. Nothing is wrong with what you did.',
    advice:
      'Try again. If it happens again, give the request id to the people who run this service.',
  },
} as const satisfies Record<string, ErrorWords>

export function ErrorPage({ site, kind, status, code, description, requestId }: ErrorPageProps) {
  const words = wordsOf[kind]
  return (
    <Layout site={site} title={words.label}>
      <div class="intro">
        <span class="logo seal warning">
          <Icon name="alert" />
        </span>
        <p class="label">{words.label}</p>
        <h1>{words.title}</h1>
        <p>{words.message}</p>
        <p class="advice">{words.advice}</p>
      </div>
      {kind === 'logout' && (
        <a id="home" class="button" href={site.home}>
          Go to the start page
        </a>
      )}
      <section class="details" aria-labelledby="details">
        <h2 id="details">Technical details</h2>
        {description && <p>{description}</p>}
        <ul>
          <li>
            Error <code>{code}</code>
          </li>
          <li>
            Status <code>{status}</code>
          </li>
          <li>
            Request id <code>{requestId}</code>
          </li>
        </ul>
      </section>
    </Layout>
  )
}
