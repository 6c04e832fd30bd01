import t from 'tap'
import { acrOf, acrValues } from '../../src/protocol/acr.ts'

const [password] = acrValues

t.test('the class that a sign-in reaches (OpenID Connect Core §2)', async (t) => {
  const rows: [amr: string[], preferred: string[] | undefined, acr: string | undefined][] = [
    [['pwd'], undefined, password],
    [['pwd'], ['urn:unknown'], password],
    [['pwd'], ['urn:unknown', password!], password],
    [['pwd', 'otp'], [], password],
    [[], [password!], undefined],
    [['telepathy'], undefined, undefined],
  ]
  for (const [amr, preferred, acr] of rows) t.equal(acrOf(amr, preferred), acr, amr.join())
})

t.test('every class has an absolute URI (Core §2)', async (t) => {
  for (const acr of acrValues) t.ok(URL.canParse(acr), acr)
})
