/** Markup of the device page: the code, what the device would get, and what comes of the answer. */
import { tooManyAttempts } from './alert-view.tsx'
import { ClientLinks, ClientLogo } from './client-view.tsx'
import { AllowOrCancel, Grants, SignedInAs, type ConsentPageProps } from './consent-view.tsx'
import { Icon } from './icons.tsx'
import { Foreign, HiddenFields, Layout } from './layout.tsx'
import type { Site } from './layout.tsx'

export type DeviceProblem =
  | { kind: 'unknown' | 'expired' }
  | { kind: 'rate-limited'; retryAfterSeconds: number }

export interface DeviceCodePageProps {
  site: Site
  action: string
  csrf: string
  /** As the device shows it: of the link that led here, or what was typed before. */
  userCode?: string | undefined
  problem?: DeviceProblem | undefined
}

export function DeviceCodePage({ site, action, csrf, userCode, problem }: DeviceCodePageProps) {
  const title = 'Connect a device'
  const describedBy = problem && { 'aria-describedby': 'problem' }
  return (
    <Layout site={site} title={problem ? `Error: ${title}` : title}>
      <div class="intro">
        <span class="logo seal">
          <Icon name="device" />
        </span>
        <h1>{title}</h1>
        <p>
          {userCode && !problem
            ? 'Check that this is the code that your device shows.'
            : 'Enter the code that your device shows.'}
        </p>
      </div>
      {problem && (
        <div class="alert" role="alert" id="problem">
          <Icon name="alert" />
          <p>{problemText(problem)}</p>
        </div>
      )}
      <form method="post" action={action}>
        <HiddenFields fields={[['csrf', csrf]]} />
        <label for="user_code">Code</label>
        <input
          id="user_code"
          name="user_code"
          type="text"
          class="code"
          autocomplete="off"
          autocapitalize="characters"
          autocorrect="off"
          spellcheck={false}
          required
          maxlength={64}
          placeholder="XXXX-XXXX"
          value={userCode}
          autofocus={!userCode}
          {...describedBy}
          {...(problem?.kind === 'unknown' && { 'aria-invalid': true })}
        />
        <button id="submit" type="submit" class="primary">
          Continue
        </button>
      </form>
    </Layout>
  )
}

export interface DevicePageProps extends Pick<
  ConsentPageProps,
  'site' | 'action' | 'csrf' | 'client' | 'account' | 'scopes' | 'resources'
> {
  userCode: string
}

export function DevicePage(props: DevicePageProps) {
  const { site, action, csrf, client, account, userCode } = props
  const isGivenAnything = props.scopes.length > 0 || props.resources.length > 0
  return (
    <Layout site={site} title={`Connect a device to ${client.name}`}>
      <div class="intro">
        <ClientLogo client={client} />
        <h1>Connect this device?</h1>
        <p>
          <strong>
            <Foreign>{client.name}</Foreign>
          </strong>{' '}
          on a device asks for access to your account.
        </p>
        <p class="code">{userCode}</p>
      </div>
      <ul class="facts">
        <SignedInAs account={account} />
      </ul>
      {isGivenAnything && <Grants {...props} />}
      <form method="post" action={action}>
        <HiddenFields
          fields={[
            ['csrf', csrf],
            ['user_code', userCode],
          ]}
        />
        <h2>Did you start this on a device that you hold?</h2>
        <p class="note">
          It must show the code above. If somebody sent you the code or a link, cancel: they would
          get into your account.
        </p>
        <AllowOrCancel />
      </form>
      <ClientLinks client={client} />
    </Layout>
  )
}

export function DeviceAnswerPage({ site, isAllowed }: { site: Site; isAllowed: boolean }) {
  return (
    <Layout site={site} title={isAllowed ? 'Device connected' : 'Device not connected'}>
      <div class="intro">
        <span class={isAllowed ? 'logo seal' : 'logo seal warning'}>
          <Icon name={isAllowed ? 'check' : 'alert'} />
        </span>
        <h1>{isAllowed ? 'Your device is connected' : 'The device was not connected'}</h1>
        <p>
          {isAllowed
            ? 'You can go back to your device.'
            : 'It gets no access to your account. You can close this page.'}
        </p>
      </div>
      <a id="home" class="button" href={site.home}>
        Go to the start page
      </a>
    </Layout>
  )
}

function problemText(problem: DeviceProblem): string {
  if (problem.kind !== 'rate-limited') return problemTexts[problem.kind]
  return tooManyAttempts(problem.retryAfterSeconds)
}

const problemTexts = {
  unknown:
    'That code is not right, was used, or has expired. Check it, or start again on the device.',
  expired: 'This form had expired, or your browser does not accept cookies. Please try again.',
}
