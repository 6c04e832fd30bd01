/** How a logout module begins: the person has signed in to the client, whose ID token is the hint. */
import { encode } from '../support/flow.ts'
import type { Visit } from '../support/suite-browser.ts'
import type { Flow, Run } from '../support/suite-run.ts'

export interface Leaving {
  flow: Flow
  hint: string
  leave(fields: Record<string, string>): Promise<Visit>
  /** Whether prompt=none finds nobody. */
  isSignedOut(): Promise<boolean>
}

export async function startLogout({ suite, browser, flow, authorize }: Run): Promise<Leaving> {
  const begun = await flow()
  return {
    flow: begun,
    hint: String(begun.tokens['id_token']),
    leave: (fields) =>
      browser.visit(
        `${String(suite.metadata['end_session_endpoint'])}?${encode(fields).toString()}`,
      ),
    async isSignedOut() {
      const { fields } = await authorize({ prompt: 'none' })
      return fields['error'] === 'login_required'
    },
  }
}
