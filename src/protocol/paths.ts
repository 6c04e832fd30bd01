/** Where everything is served, below the issuer's own path. */
export const paths = {
  openidConfiguration: '/.well-known/openid-configuration',
  oauthAuthorizationServer: '/.well-known/oauth-authorization-server',
  jwks: '/.well-known/jwks.json',
  authorize: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  introspect: '/introspect',
  revoke: '/revoke',
  logout: '/logout',
  login: '/login',
  consent: '/consent',
  loggedOut: '/logged-out',
  home: '/',
  assets: '/assets',
  live: '/health/live',
  ready: '/health/ready',
} as const
