import t from 'tap'
import { createEmit } from '../../src/verifier/events.ts'

t.test('a listener that fails, at once or later, disturbs nobody', async (t) => {
  t.doesNotThrow(() => createEmit(undefined)({ type: 'accepted' }))
  const heard: unknown[] = []
  const atOnce = createEmit((event) => {
    heard.push(event.type)
    throw new Error('planted')
  })
  const later = createEmit(async (event) => {
    heard.push(event.type)
    throw new Error('planted')
  })
  t.doesNotThrow(() => atOnce({ type: 'accepted' }))
  t.doesNotThrow(() => later({ type: 'refused' }))
  await new Promise(setImmediate) // a rejection that nobody handles fails the test
  t.strictSame(heard, ['accepted', 'refused'])
})
