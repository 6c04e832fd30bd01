/** A real browser for tests: the system's Chromium, else the one inside the npm package @sparticuz/chromium. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

interface Teardown {
  teardown(task: () => unknown): void
}

interface Installation {
  executablePath: string
  env: Record<string, string>
}

const systemPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** Closed when the test ends. It reaches this machine only, and runs unsandboxed, as root must: our own pages alone. */
export async function openBrowser(t: Teardown): Promise<Browser> {
  const { executablePath, env } = findOnSystem() ?? (await unpackFromPackage())
  const browser = await chromium.launch({
    executablePath,
    env: { ...process.env, ...env },
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-domain-reliability',
      '--disable-sync',
      '--no-pings',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]',
    ],
  })
  t.teardown(() => browser.close())
  return browser
}

function findOnSystem(): Installation | undefined {
  const executablePath = systemPlaces.find((place) => existsSync(place))
  return executablePath === undefined ? undefined : { executablePath, env: {} }
}

/** Unpacked once per version, with the libraries and the font that a bare machine lacks. */
async function unpackFromPackage(): Promise<Installation> {
  const entry = import.meta.resolve('@sparticuz/chromium')
  const manifest: { version: string } = JSON.parse(
    await readFile(new URL('../../package.json', entry), 'utf8'),
  )
  const cache = fileURLToPath(new URL('../../../../.cache/', entry))
  const folder = join(cache, `claviger-chromium-${manifest.version}`)
  if (!existsSync(folder)) await unpack(entry, cache, folder)
  return {
    executablePath: join(folder, 'chromium'),
    env: {
      LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
      XDG_CACHE_HOME: folder,
    },
  }
}

/** Test files run side by side: each unpacks into a folder of its own, and the first to finish gives it its name. */
async function unpack(entry: string, cache: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(join(cache, 'claviger-chromium-'))
  // The package unpacks into TMPDIR, and its libraries only where it believes to be in AWS Lambda.
  await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', unpackScript, entry],
    { env: { ...process.env, TMPDIR: draft, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' } },
  )
  await writeFile(join(draft, 'fonts.conf'), fontsConfig)
  await rename(draft, folder).catch(async () => rm(draft, { recursive: true }))
}

const unpackScript =
  'const { default: chromium } = await import(process.argv[1]); await chromium.executablePath()'

const fontsConfig = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`
