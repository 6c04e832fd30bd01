// All that this script knows is whether somebody is signed in. It never sees a token.
const headers = { 'x-requested-by': 'browser-app' }
const element = (id) => document.getElementById(id)

const me = await fetch('/api/me', { headers })
element('sign-in').hidden = me.ok
element('sign-out').hidden = !me.ok
element('who').textContent = me.ok ? `Signed in as ${(await me.json()).name}` : 'Signed out'

if (me.ok) {
  const answer = await fetch('/api/orders', { headers })
  const { orders = [] } = await answer.json()
  for (const { item } of orders) {
    const line = document.createElement('li')
    line.textContent = item
    element('orders').append(line)
  }
  if (!answer.ok) element('who').textContent = 'The orders cannot be read. Sign in again.'
}

async function signOut() {
  const { location: next } = await (await fetch('/sign-out', { method: 'POST', headers })).json()
  location.assign(next)
}
element('sign-out').addEventListener('click', () => void signOut())
