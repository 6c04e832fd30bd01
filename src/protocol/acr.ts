/** Authentication context classes (OpenID Connect Core §2, `acr`): which ones a sign-in reaches, told from how it was made. */

interface ContextClass {
  acr: string
  isReached(amr: readonly string[]): boolean
}

/**
 * The strongest first. A password has the name that SAML 2.0 gave it (AuthnContext §3.4.8), since others know that one;
 * the profiles of OpenID Connect name stronger sign-ins only.
 */
const contextClasses: readonly ContextClass[] = [
  {
    acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    isReached: (amr) => amr.includes('pwd'),
  },
]

export const acrValues: readonly string[] = contextClasses.map(({ acr }) => acr)

/** The first of `preferred` that the sign-in reaches, else the strongest; undefined when it reaches none that is known. */
export function acrOf(
  amr: readonly string[],
  preferred: readonly string[] = [],
): string | undefined {
  const reached = contextClasses.filter((one) => one.isReached(amr)).map(({ acr }) => acr)
  return preferred.find((acr) => reached.includes(acr)) ?? reached[0]
}
