/** Every page in every state worth looking at, with props such as the routes would give. */
import type { VNode } from 'preact'
import type { SecurityHeaders } from '../../src/http/security-headers.ts'
import type { ClientView } from '../../src/pages/client-view.tsx'
import { ConsentPage } from '../../src/pages/consent-view.tsx'
import { CreateAccountPage } from '../../src/pages/create-account-view.tsx'
import { DeviceAnswerPage, DeviceCodePage, DevicePage } from '../../src/pages/device-view.tsx'
import { ErrorPage } from '../../src/pages/error-view.tsx'
import { FormPostPage } from '../../src/pages/form-post-view.tsx'
import { HomePage } from '../../src/pages/home-view.tsx'
import type { Site } from '../../src/pages/layout.tsx'
import { LoggedOutPage } from '../../src/pages/logged-out-view.tsx'
import { LoginPage } from '../../src/pages/login-view.tsx'
import { LogoutPage } from '../../src/pages/logout-view.tsx'
import { SelectAccountPage } from '../../src/pages/select-account-view.tsx'

export interface PageSample {
  page: VNode
  headers: keyof SecurityHeaders
}

export function pageSamples(
  site: Site,
  { logoUri, redirectUri }: { logoUri: string; redirectUri: string },
): Record<string, PageSample> {
  const photos: ClientView = {
    name: 'Acme Photos',
    logoUri,
    policyUri: 'https://photos.example.com/privacy',
    tosUri: 'https://photos.example.com/terms',
  }
  const plain: ClientView = { name: 'Field Notes' }
  const form = { site, csrf: 'M3Zq0n', request: '6f0c1d' }
  const login = { ...form, action: '/login' }
  const signUp = { ...form, action: '/create-account', signInUrl: '/login' }
  const consent = {
    ...form,
    action: '/consent',
    redirectHost: 'photos.example.com',
    account: 'ada@example.org',
  }
  const logout = { site, action: '/logout', csrf: 'M3Zq0n', account: 'ada@example.org' }
  const error = { site, status: 400, requestId: '0f8d6c1e-5b0a-4a7e-9a53-2f1c9b7d3e44' }

  const onTheWay = {
    login: <LoginPage {...login} client={photos} />,
    'login-plain': <LoginPage {...login} request="" />,
    'login-sign-up': <LoginPage {...login} client={plain} signUpUrl="/create-account" />,
    'select-account': <SelectAccountPage {...consent} action="/select-account" client={photos} />,
    'select-account-long': (
      <SelectAccountPage
        {...consent}
        client={plain}
        account="maximiliane.von-hohenstein-ueberlingen@department.university.example.org"
      />
    ),
    'create-account': <CreateAccountPage {...signUp} client={photos} />,
    'create-account-plain': <CreateAccountPage {...signUp} request="" />,
    'create-account-taken': (
      <CreateAccountPage
        {...signUp}
        client={plain}
        email="ada@example.org"
        name="Ada"
        problem={{ kind: 'taken' }}
      />
    ),
    'login-rejected': (
      <LoginPage
        {...login}
        client={photos}
        username="ada@example.org"
        problem={{ kind: 'rejected' }}
      />
    ),
    'login-rate-limited': (
      <LoginPage
        {...login}
        client={plain}
        username="ada"
        problem={{ kind: 'rate-limited', retryAfterSeconds: 600 }}
      />
    ),
    consent: (
      <ConsentPage
        {...consent}
        client={photos}
        scopes={['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'albums:read']}
        claims={['email']}
        resources={[{ resource: 'https://api.photos.example.com', name: 'Acme Photos API' }]}
        authorizationDetails={[]}
        isRemembered
      />
    ),
    'consent-document': (
      <ConsentPage
        {...consent}
        client={{ ...plain, publisher: 'notes.example.net' }}
        scopes={['openid', 'offline_access', 'tools:use']}
        resources={[]}
        isRemembered={false}
      />
    ),
    'consent-small': (
      <ConsentPage
        {...consent}
        client={{
          name: 'An application whose name goes on for quite a while, Donaudampfschifffahrtsgesellschaft',
        }}
        redirectHost="a-rather-long-subdomain.of.some.organisation.example.com"
        account="maximiliane.von-hohenstein-ueberlingen@department.university.example.org"
        scopes={['openid']}
        claims={['name', 'birthdate', 'email', 'email_verified', 'membership']}
        resources={[]}
        authorizationDetails={[]}
        isRemembered={false}
      />
    ),
    'consent-details': (
      <ConsentPage
        {...consent}
        client={photos}
        scopes={[]}
        claims={[]}
        resources={[]}
        authorizationDetails={[
          {
            type: 'payment_initiation',
            actions: ['initiate', 'status', 'cancel'],
            locations: ['https://bank.example.com/payments'],
            instructedAmount: { currency: 'EUR', amount: '123.50' },
            creditorName: 'Merchant A',
            creditorAccount: { iban: 'DE02100100109307118603' },
          },
          { type: 'photo_print', copies: 2, sizes: [{ width: 10, height: 15 }, { width: 20 }] },
        ]}
        isRemembered={false}
      />
    ),
    logout: <LogoutPage {...logout} parameters={[['state', 'xyz']]} client={photos} />,
    'logout-plain': <LogoutPage {...logout} parameters={[]} />,
  }
  const device = { site, csrf: 'M3Zq0n', action: '/device', userCode: 'WDJB-MJHT' }
  const ownPages = {
    'device-code': <DeviceCodePage {...device} userCode={undefined} />,
    'device-code-prefilled': <DeviceCodePage {...device} />,
    'device-code-unknown': <DeviceCodePage {...device} problem={{ kind: 'unknown' }} />,
    'device-code-rate-limited': (
      <DeviceCodePage {...device} problem={{ kind: 'rate-limited', retryAfterSeconds: 600 }} />
    ),
    device: (
      <DevicePage
        {...device}
        client={photos}
        account="ada@example.org"
        scopes={['openid', 'profile', 'offline_access']}
        resources={[{ resource: 'https://api.photos.example.com', name: 'Acme Photos API' }]}
      />
    ),
    'device-small': (
      <DevicePage {...device} client={plain} account="ada" scopes={[]} resources={[]} />
    ),
    'device-allowed': <DeviceAnswerPage site={site} isAllowed />,
    'device-denied': <DeviceAnswerPage site={site} isAllowed={false} />,
    'logged-out': <LoggedOutPage site={site} />,
    'error-redirect-uri': (
      <ErrorPage
        {...error}
        kind="redirect-uri"
        code="invalid_request"
        description="The redirect_uri is not registered for this client. Register exactly the one that you send."
      />
    ),
    'error-invalid-request': <ErrorPage {...error} kind="invalid-request" code="invalid_request" />,
    'error-logout': <ErrorPage {...error} kind="logout" code="invalid_request" />,
    'error-not-found': <ErrorPage {...error} kind="not-found" status={404} code="not_found" />,
    'error-expired': <ErrorPage {...error} kind="expired" code="invalid_request" />,
    'error-unavailable': (
      <ErrorPage {...error} kind="unavailable" status={503} code="temporarily_unavailable" />
    ),
    'error-server': <ErrorPage {...error} kind="server-error" status={500} code="server_error" />,
    home: <HomePage site={site} discoveryUrl="/.well-known/openid-configuration" />,
    'home-sign-in': (
      <HomePage
        site={site}
        discoveryUrl="/.well-known/openid-configuration"
        signInUrl="/authorize?client_id=home"
      />
    ),
    'home-signed-in': (
      <HomePage
        site={site}
        discoveryUrl="/.well-known/openid-configuration"
        session={{ account: 'ada@example.org', signOutAction: '/logout', csrf: 'M3Zq0n' }}
      />
    ),
    'home-applications': (
      <HomePage
        site={site}
        discoveryUrl="/.well-known/openid-configuration"
        session={{ account: 'ada@example.org', signOutAction: '/logout', csrf: 'M3Zq0n' }}
        applications={[photos, plain].map((client) => ({
          client,
          url: 'https://photos.example.com/login?iss=https%3A%2F%2Flogin.example.com',
        }))}
      />
    ),
  }
  return {
    ...withHeaders('interactionPage', onTheWay),
    ...withHeaders('page', ownPages),
    ...withHeaders('formPostPage', {
      'form-post': (
        <FormPostPage
          site={site}
          redirectUri={redirectUri}
          parameters={[
            ['code', 'SplxlOBeZQQYbYS6WxSbIA'],
            ['state', '"><script>alert(1)</script>'],
            ['iss', site.issuer],
          ]}
        />
      ),
    }),
  }
}

function withHeaders(
  headers: keyof SecurityHeaders,
  pages: Record<string, VNode>,
): Record<string, PageSample> {
  return Object.fromEntries(Object.entries(pages).map(([name, page]) => [name, { page, headers }]))
}
