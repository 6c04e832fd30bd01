/** What one authorization gave: to whom, for which client, how far it reaches. Codes, refresh families and tokens carry it. */
export interface Grant {
  grantId: string
  clientId: string
  sub: string
  sid: string
  scope: string[]
  resources: string[]
  authTime: Date
  amr: string[]
}
