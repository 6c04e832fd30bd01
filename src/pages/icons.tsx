/** Line icons for the pages, 24 units square. Decoration only: the words beside them say the same. */

const shapes = {
  alert: 'M12 8v5M12 16.5v.01M12 3.5 2.8 19.5h18.4Z',
  arrow: 'M5 12h13.5M13 6.5l5.5 5.5-5.5 5.5',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  clock: 'M12 7v5l3.2 2M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z',
  device: 'M3 4.5h18v11.5H3ZM8.5 20h7M12 16v4',
  id: 'M3.5 5.5h17v13h-17ZM9 12a1.8 1.8 0 1 0 0-3.6A1.8 1.8 0 0 0 9 12ZM6.2 15.6c.6-1.4 5-1.4 5.6 0M14.5 10h3.2M14.5 14h3.2',
  key: 'M8 20a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM11 13.2 20 4M16.5 7.6l2.8 2.8',
  list: 'M8.5 6.5h11M8.5 12h11M8.5 17.5h11M4.5 6.5v.01M4.5 12v.01M4.5 17.5v.01',
  mail: 'M3.5 5.5h17v13h-17ZM4 7l8 6 8-6',
  person: 'M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c0-7 15-7 15 0',
  phone:
    'M6 3.5h3l1.5 4.2-2 1.6a13 13 0 0 0 6.2 6.2l1.6-2 4.2 1.5v3a2 2 0 0 1-2.2 2A16.6 16.6 0 0 1 4 5.7a2 2 0 0 1 2-2.2Z',
  pin: 'M12 20.8s7-6 7-11a7 7 0 0 0-14 0c0 5 7 11 7 11ZM12 12.2a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8Z',
  server: 'M4 4.5h16v6H4ZM4 13.5h16v6H4ZM7.5 7.5v.01M7.5 16.5v.01',
} as const

export type IconName = keyof typeof shapes

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  )
}
