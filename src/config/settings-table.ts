/** The table of settings as it stands in the README. */
import type { Setting } from './setting.ts'
import { settings } from './settings.ts'

export function settingsTable(): string {
  const rows = Object.values<Setting>(settings).map((setting) => {
    const shown = setting.default === undefined ? setting.derived : `\`${setting.default}\``
    const secret = setting.secret ? ` Secret; also as \`${setting.variable}_FILE\`.` : ''
    return `| \`${setting.variable}\` | ${shown} | ${setting.sentence}${secret} |`
  })
  return ['| Variable | Default | What it sets |', '| --- | --- | --- |', ...rows].join('\n')
}
